//! How a method ends its call, besides what it returns.

use super::Context;
use crate::grpc::{Code, Status};

/// The outcome that a method chooses besides its reply.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    code: Option<Code>,
    details: String,
}

impl Context {
    /// Chooses the code that the call ends with if its method returns successfully.
    ///
    /// The replies go out as they are, and the status behind them is not OK: clients of unary calls
    /// then drop the reply, so `Err(status)` is what most methods want. [`Code::Ok`] takes the choice
    /// back.
    pub fn set_code(&mut self, code: Code) {
        self.chosen.code = Some(code);
    }

    /// Chooses the words of the status that the call ends with if its method returns successfully;
    /// see [`Context::set_code`].
    pub fn set_details(&mut self, details: impl Into<String>) {
        self.chosen.details = details.into();
    }

    /// What [`Context::set_code`] chose.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        self.chosen.code
    }

    /// What [`Context::set_details`] chose; empty if nothing.
    #[must_use]
    pub fn details(&self) -> &str {
        &self.chosen.details
    }

    /// Ends the method: `return context.abort(Code::NotFound, "no such user")`.
    ///
    /// The same as `Err(Status::new(code, details))`, for any type of reply.
    ///
    /// # Errors
    ///
    /// Always: the status.
    pub fn abort<T>(&self, code: Code, details: impl Into<String>) -> Result<T, Status> {
        Err(Status::new(code, details))
    }

    /// Ends the method with `status`, which may carry details and metadata.
    ///
    /// # Errors
    ///
    /// Always: the status.
    pub fn abort_with_status<T>(&self, status: Status) -> Result<T, Status> {
        Err(status)
    }

    /// What the method chose, as an outcome.
    pub(crate) fn chosen_outcome(&self) -> Result<(), Status> {
        match self.chosen.code {
            None | Some(Code::Ok) => Ok(()),
            Some(code) => Err(Status::new(code, self.chosen.details.clone())),
        }
    }

    /// Whether `status` is what the method chose beside its reply.
    pub(crate) fn has_chosen(&self, status: &Status) -> bool {
        self.chosen.code == Some(status.code()) && self.chosen.details == status.message()
    }

    /// OK in the words that the method chose, if it did.
    pub(crate) fn ok_with_details(&self) -> Option<Status> {
        let has_details = !self.chosen.details.is_empty();
        has_details.then(|| Status::new(Code::Ok, self.chosen.details.clone()))
    }
}
