//! Asking a server for its health, and waiting for it.
//!
//! Source: gRPC's health-checking.md, and gRFC A17 for what a client makes of a watch that ends: a
//! server without Watch is as good as healthy, any other end is followed by another watch, after a
//! wait that grows.

use std::fmt;
use std::time::{Duration, Instant};

use super::v1::health_check_response::ServingStatus;
use super::v1::{HealthCheckRequest, HealthCheckResponse, HealthStub};
use crate::client::{Channel, ReplyStream};
use crate::grpc::{Code, Received, Status};
use crate::transport::backoff::Backoff;
use crate::transport::{Latch, now, random};

/// Asks a server how its services are.
///
/// Cheap to clone, as the channel is. For calls with metadata or a deadline of their own there is
/// the generated [`HealthStub`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use rust_grpc::health::{HealthClient, HealthService, ServingStatus};
/// use rust_grpc::{Channel, InProcess, Server};
///
/// let place = InProcess::new();
/// let health = HealthService::new();
/// let server = Server::builder().add_service(health.clone()).bind(&place)?.start()?;
///
/// let client = HealthClient::new(Channel::in_process(&place));
/// let mut watch = client.watch("");
/// assert_eq!(watch.recv()?, ServingStatus::Serving);
/// health.shut_down();
/// assert_eq!(watch.recv()?, ServingStatus::NotServing);
/// assert_eq!(watch.recv_timeout(Duration::from_millis(1))?, None); // no further change
/// # drop(server);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct HealthClient {
    channel: Channel,
    stub: HealthStub,
}

/// The changes of one service's status; made by [`HealthClient::watch`].
///
/// It outlives the call behind it: when that ends, the status is `Unknown`, and another call is
/// made after a wait that grows from one second to two minutes. Dropping it ends the call.
pub struct HealthWatch {
    client: HealthClient,
    service: String,
    call: Option<ReplyStream<HealthCheckResponse>>,
    /// When the next call may be made.
    retry_at: Option<Instant>,
    backoff: Backoff,
    last: Option<ServingStatus>,
}

impl HealthClient {
    /// Asks over `channel`.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        Self { stub: HealthStub::new(channel.clone()), channel }
    }

    /// How `service` is; the empty name is the server as a whole.
    ///
    /// # Errors
    ///
    /// NOT_FOUND if the server does not know the service, UNIMPLEMENTED if it tells nobody of its
    /// health; what ends any call.
    pub fn check(&self, service: &str) -> Result<ServingStatus, Status> {
        self.stub.check(request(service)).map(|response| response.status)
    }

    /// Watches `service`. The first call is made by the first receiving.
    #[must_use = "dropping it ends the watch"]
    pub fn watch(&self, service: &str) -> HealthWatch {
        HealthWatch {
            client: self.clone(),
            service: service.to_owned(),
            call: None,
            retry_at: None,
            backoff: Backoff::default(),
            last: None,
        }
    }

    /// Waits until `service` is SERVING, `timeout` at most, whether or not the server is there yet.
    ///
    /// A server that has no health service counts as healthy once it has answered, as gRFC A17 says.
    ///
    /// # Errors
    ///
    /// DEADLINE_EXCEEDED, with the status that the service had last.
    pub fn wait_until_serving(&self, service: &str, timeout: Duration) -> Result<(), Status> {
        let until = now().checked_add(timeout);
        let mut watch = self.watch(service);
        loop {
            match watch.next(until) {
                Ok(Some(ServingStatus::Serving)) => return Ok(()),
                Ok(Some(_)) => {}
                Ok(None) => {
                    let status = watch.last.unwrap_or(ServingStatus::Unknown);
                    return Err(Status::deadline_exceeded(format!(
                        "service {service:?} of {} was {status:?}, expected Serving",
                        self.channel.target()
                    )));
                }
                // It is UNIMPLEMENTED.
                Err(_) => return Ok(()),
            }
        }
    }
}

impl HealthWatch {
    /// Waits for the next change; the first one is the status as it is.
    ///
    /// # Errors
    ///
    /// UNIMPLEMENTED if the server has no such method.
    pub fn recv(&mut self) -> Result<ServingStatus, Status> {
        loop {
            if let Some(status) = self.next(None)? {
                return Ok(status);
            }
        }
    }

    /// Waits for the next change, `timeout` at most; `None` if there is none until then.
    ///
    /// # Errors
    ///
    /// As [`HealthWatch::recv`].
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Option<ServingStatus>, Status> {
        self.next(now().checked_add(timeout))
    }

    fn next(&mut self, until: Option<Instant>) -> Result<Option<ServingStatus>, Status> {
        loop {
            let status = match self.receive(until) {
                Ok(Some(status)) => status,
                Ok(None) => return Ok(None),
                Err(status) if status.code() == Code::Unimplemented => return Err(status),
                Err(_) => {
                    self.call = None;
                    self.retry_at = Some(now() + self.backoff.next_wait(random()));
                    ServingStatus::Unknown
                }
            };
            if self.last.replace(status) != Some(status) {
                return Ok(Some(status));
            }
        }
    }

    /// What the server says next; `None` if it says nothing until `until`.
    fn receive(&mut self, until: Option<Instant>) -> Result<Option<ServingStatus>, Status> {
        let is_late = || until.is_some_and(|until| until <= now());
        let left = |at: Instant| at.saturating_duration_since(now());
        let call = match &mut self.call {
            Some(call) => call,
            place => {
                if let Some(retry_at) = self.retry_at {
                    // A latch that nobody opens is a wait for a time.
                    let at = until.map_or(retry_at, |until| until.min(retry_at));
                    Latch::default().wait(Some(at));
                    if is_late() {
                        return Ok(None);
                    }
                }
                // With a time, so that connecting takes no longer than the caller waits.
                if let Some(until) = until
                    && let Err(status) = self.client.channel.wait_until_ready(left(until))
                {
                    return if is_late() { Ok(None) } else { Err(status) };
                }
                place.insert(self.client.stub.watch(request(&self.service))?)
            }
        };
        let received = match until {
            Some(until) => call.recv_timeout(left(until))?,
            None => call.recv()?.map_or(Received::End, Received::Message),
        };
        match received {
            Received::Message(response) => {
                self.backoff.reset();
                Ok(Some(response.status))
            }
            Received::NotYet => Ok(None),
            Received::End => Err(Status::unavailable("the server has ended the watch")),
        }
    }
}

impl Iterator for HealthWatch {
    type Item = Result<ServingStatus, Status>;

    /// As [`HealthWatch::recv`]; there is always another change, or an error.
    fn next(&mut self) -> Option<Self::Item> {
        Some(self.recv())
    }
}

impl fmt::Debug for HealthWatch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("HealthWatch")
            .field("service", &self.service)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

fn request(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned(), ..Default::default() }
}
