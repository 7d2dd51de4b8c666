//! A folder for the time of one run, made with the standard library alone: a build script should not
//! wait for a crate that does more.
//!
//! Invariant: the folder is new, so that nothing in it is anybody else's; it goes with its value.

use std::collections::hash_map::RandomState;
use std::fs::{self, DirBuilder};
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

/// A folder that only this user may enter. Dropping it removes it with all that is in it.
#[derive(Debug)]
pub(crate) struct TemporaryFolder {
    path: PathBuf,
}

impl TemporaryFolder {
    /// Makes one where the system has its temporary files.
    ///
    /// # Errors
    ///
    /// What the system says, after the path that it says it of.
    pub(crate) fn new() -> Result<Self> {
        Self::inside(&std::env::temp_dir())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn inside(parent: &Path) -> Result<Self> {
        let path = parent.join(format!("rust-grpc-{:016x}", random()));
        match builder().create(&path) {
            Ok(()) => Ok(Self { path }),
            Err(error) => Err(Error::new(error.kind(), format!("{}: {error}", path.display()))),
        }
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // What cannot be removed stays where the system cleans up.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(unix)]
fn builder() -> DirBuilder {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

#[cfg(not(unix))]
fn builder() -> DirBuilder {
    // A folder of temporary files is a user's own here.
    DirBuilder::new()
}

/// A number that nobody can foresee, and that does not come twice: the system's randomness seeds the
/// maps of the standard library.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    /// Each folder is a new one, and goes with all that is in it.
    #[test]
    fn each_is_new_and_is_removed() {
        let (one, other) = (TemporaryFolder::new().unwrap(), TemporaryFolder::new().unwrap());
        assert_ne!(one.path(), other.path());
        fs::create_dir(one.path().join("a")).unwrap();
        fs::write(one.path().join("a/b"), "content").unwrap();
        let path = one.path().to_path_buf();
        drop(one);
        assert!(!path.exists());
        assert!(other.path().is_dir());
    }

    /// Nobody else may look in or put something there.
    #[cfg(unix)]
    #[test]
    fn it_is_the_users_own() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = TemporaryFolder::new().unwrap();
        let mode = fs::metadata(folder.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }

    /// An error names the folder that could not be made.
    #[test]
    fn the_error_names_the_path() {
        let parent = TemporaryFolder::new().unwrap();
        let missing = parent.path().join("missing");
        let error = TemporaryFolder::inside(&missing).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().starts_with(&missing.display().to_string()), "{error}");
    }
}
