//! Servers whose services borrow from the stack.
//!
//! The invariant: every thread that runs code of the user, or owns some of it, is a thread of the
//! scope, so that the scope ends after all of them.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::ops::Deref;
use std::thread::Scope;

use super::{Server, ServerBuilder};
use crate::transport::Threads;

/// A running server whose services may borrow what outlives a scope; made by
/// [`ServerBuilder::start_scoped`].
///
/// It derefs to [`Server`]. Dropping it stops it at once, as [`Server::stop`] with no grace, and
/// the scope then waits for the methods that still run. Given to [`std::mem::forget`] it runs on,
/// and its scope never ends.
pub struct ScopedServer<'scope> {
    server: Server,
    /// It cannot leave its scope: then nobody would be left to stop it.
    _scope: PhantomData<&'scope ()>,
}

impl<'s> ServerBuilder<'s> {
    /// Starts to serve, on threads of `scope`: the services and interceptors may borrow whatever
    /// outlives the scope.
    ///
    /// # Errors
    ///
    /// As [`ServerBuilder::start`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Mutex;
    /// use std::thread;
    /// use rust_grpc::{Context, Next, Server};
    ///
    /// let log = Mutex::new(Vec::new());
    /// thread::scope(|scope| {
    ///     // No `Arc`, no `move`: the interceptor borrows `log`.
    ///     let record = |context: &mut Context, next: Next<'_>| {
    ///         log.lock().unwrap().push(context.method().to_owned());
    ///         next.run(context)
    ///     };
    ///     let server =
    ///         Server::builder().interceptor(record).bind("127.0.0.1:0")?.start_scoped(scope)?;
    ///     println!("listening on {}", server.local_addresses()[0]);
    ///     Ok::<(), std::io::Error>(())
    /// })?; // every thread of the server has ended
    /// assert!(log.into_inner().unwrap().is_empty());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// What lives shorter than the scope cannot be borrowed:
    ///
    /// ```compile_fail,E0597
    /// use std::sync::Mutex;
    /// use std::thread;
    /// use rust_grpc::{Context, Next, Server};
    ///
    /// thread::scope(|scope| {
    ///     let log = Mutex::new(Vec::new());
    ///     let record = |context: &mut Context, next: Next<'_>| {
    ///         log.lock().unwrap().push(context.method().to_owned());
    ///         next.run(context)
    ///     };
    ///     let server =
    ///         Server::builder().interceptor(record).bind("127.0.0.1:0")?.start_scoped(scope)?;
    ///     Ok::<(), std::io::Error>(())
    /// })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn start_scoped<'scope>(
        self,
        scope: &'scope Scope<'scope, '_>,
    ) -> io::Result<ScopedServer<'scope>>
    where
        's: 'scope,
    {
        let server = self.start_on(Threads::of_scope(scope))?;
        Ok(ScopedServer { server, _scope: PhantomData })
    }
}

impl Deref for ScopedServer<'_> {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl fmt::Debug for ScopedServer<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.server, out)
    }
}
