//! The health of a server's services, and those who watch it.
//!
//! The invariant: whoever watches a service has been sent its status as it is now, or somebody is
//! about to send it. No lock is held while anything is sent but the watcher's own, so a watcher that
//! is slow to take its status keeps neither Check nor other watchers waiting; and nobody waits for a
//! watcher.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, Weak};

use super::v1::health_check_response::ServingStatus;
use super::v1::{
    HEALTH_METHODS, Health, HealthCheckRequest, HealthCheckResponse, HealthListRequest,
    HealthListResponse, HealthServer,
};
use crate::grpc::{Method, Status};
use crate::limits::{HEALTH_LIST_MAX, HEALTH_NAME_MAX, HEALTH_WATCHERS_MAX};
use crate::message::GeneratedFile;
use crate::server::{Context, DetachedSink, ReplySink, ServerCall, Service};
use crate::transport::lock;

/// Tells clients how the services of a server are: `grpc.health.v1.Health`.
///
/// A clone is the same service: one goes to the server, others set statuses. The empty name is the
/// server as a whole; it is SERVING from the beginning. Other names are unknown until they are set:
/// Check then ends with NOT_FOUND, and Watch gives SERVICE_UNKNOWN and goes on.
///
/// Calls of Watch hold no worker. At most 10,000 of them are open, over that one ends with
/// RESOURCE_EXHAUSTED, as does one whose client leaves thousands of changes unread. They stay open
/// until their client ends them or the server stops: [`Server::stop`](crate::Server::stop) ends them
/// with UNAVAILABLE at once, and does not wait for them.
///
/// # Examples
///
/// ```
/// use rust_grpc::Server;
/// use rust_grpc::health::{HealthService, ServingStatus};
///
/// let health = HealthService::new();
/// let builder = Server::builder().add_service(health.clone());
/// health.set("shop.Orders", ServingStatus::Serving);
/// health.shut_down(); // before the server stops: balancers look for another one
/// assert_eq!(health.status("shop.Orders"), Some(ServingStatus::NotServing));
/// # drop(builder);
/// ```
#[derive(Clone)]
pub struct HealthService {
    server: HealthServer<Statuses>,
    statuses: Statuses,
}

/// What the service and its watchers share.
#[derive(Clone, Default)]
struct Statuses {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    statuses: BTreeMap<String, ServingStatus>,
    /// By the service that they watch, known or not; no list is empty.
    watchers: HashMap<String, Vec<Arc<Watcher>>>,
    watchers_count: usize,
    is_shut_down: bool,
}

/// One call of Watch.
struct Watcher {
    service: String,
    /// `None` before the call is taken over and once it is over.
    watch: Mutex<Option<Watch>>,
}

struct Watch {
    replies: DetachedSink<HealthCheckResponse>,
    sent: Option<ServingStatus>,
}

impl HealthService {
    /// A service that knows the server as a whole alone, as SERVING.
    #[must_use]
    pub fn new() -> Self {
        let statuses = Statuses::default();
        statuses.set("", ServingStatus::Serving);
        Self { server: HealthServer::new(statuses.clone()), statuses }
    }

    /// Sets the status of `service`, and tells those who watch it if that is a change.
    ///
    /// Never waits for a watcher. After [`HealthService::shut_down`] it does nothing.
    pub fn set(&self, service: &str, status: ServingStatus) {
        self.statuses.set(service, status);
    }

    /// Forgets `service`: it is unknown again, and those who watch it are told.
    pub fn clear(&self, service: &str) {
        let known = {
            let mut state = lock(&self.statuses.state);
            !state.is_shut_down && state.statuses.remove(service).is_some()
        };
        if known {
            self.statuses.tell_watchers_of(service);
        }
    }

    /// The status of `service`; `None` if it is unknown.
    #[must_use]
    pub fn status(&self, service: &str) -> Option<ServingStatus> {
        lock(&self.statuses.state).statuses.get(service).copied()
    }

    /// Makes every service that is known NOT_SERVING for good, so that clients go elsewhere while
    /// the server ends its calls.
    ///
    /// Meant to be called before [`Server::stop`](crate::Server::stop). What is set afterwards is
    /// ignored. Watchers are told, and their calls go on.
    pub fn shut_down(&self) {
        let known: Vec<String> = {
            let mut state = lock(&self.statuses.state);
            state.is_shut_down = true;
            for status in state.statuses.values_mut() {
                *status = ServingStatus::NotServing;
            }
            state.statuses.keys().cloned().collect()
        };
        for service in known {
            self.statuses.tell_watchers_of(&service);
        }
    }

    /// How many calls of Watch are open.
    #[must_use]
    pub fn watchers(&self) -> usize {
        lock(&self.statuses.state).watchers_count
    }
}

impl Default for HealthService {
    fn default() -> Self {
        Self::new()
    }
}

impl Service for HealthService {
    fn name(&self) -> &str {
        self.server.name()
    }

    fn methods(&self) -> &[Method] {
        HEALTH_METHODS
    }

    fn file(&self) -> Option<&'static GeneratedFile> {
        self.server.file()
    }

    fn call(&self, method: usize, call: ServerCall<'_>) {
        self.server.call(method, call);
    }
}

impl fmt::Debug for HealthService {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.statuses.state);
        out.debug_struct("HealthService")
            .field("statuses", &state.statuses)
            .field("watchers", &state.watchers_count)
            .field("is_shut_down", &state.is_shut_down)
            .finish()
    }
}

impl Health for Statuses {
    fn check(
        &self,
        request: HealthCheckRequest,
        _: &mut Context,
    ) -> Result<HealthCheckResponse, Status> {
        match lock(&self.state).statuses.get(&request.service) {
            Some(status) => Ok(response(*status)),
            None => Err(Status::not_found("unknown service")),
        }
    }

    fn list(&self, _: HealthListRequest, _: &mut Context) -> Result<HealthListResponse, Status> {
        let state = lock(&self.state);
        let count = state.statuses.len();
        if count > HEALTH_LIST_MAX {
            return Err(Status::resource_exhausted(format!(
                "{count} services are known, a list may hold {HEALTH_LIST_MAX}"
            )));
        }
        let statuses = state.statuses.iter();
        let statuses = statuses.map(|(service, status)| (service.clone(), response(*status)));
        Ok(HealthListResponse { statuses: statuses.collect(), ..Default::default() })
    }

    fn watch(
        &self,
        request: HealthCheckRequest,
        replies: &mut ReplySink<HealthCheckResponse>,
        context: &mut Context,
    ) -> Result<(), Status> {
        let service = request.service;
        if service.len() > HEALTH_NAME_MAX {
            return Err(Status::invalid_argument(format!(
                "name of a service of {} bytes: expected {HEALTH_NAME_MAX} at most",
                service.len()
            )));
        }
        let watcher = Arc::new(Watcher { service, watch: Mutex::default() });
        self.enroll(&watcher)?;
        *lock(&watcher.watch) = Some(Watch { replies: replies.detach(), sent: None });
        self.tell(&watcher);
        let (state, watcher) = (Arc::downgrade(&self.state), Arc::downgrade(&watcher));
        let stopping = (state.clone(), watcher.clone());
        // A watch ends with its client alone: a server that stops would wait for it in vain.
        context.on_stop(move || end(&stopping.0, &stopping.1));
        // However the call ends: an interceptor may still make an error of it.
        let forget = move || drop(forget(&state, &watcher));
        if !context.on_termination(forget.clone()) {
            forget();
        }
        Ok(())
    }
}

impl Statuses {
    fn set(&self, service: &str, status: ServingStatus) {
        {
            let mut state = lock(&self.state);
            if state.is_shut_down {
                return;
            }
            state.statuses.insert(service.to_owned(), status);
        }
        self.tell_watchers_of(service);
    }

    /// Adds one of those to be told, to whom nothing is sent yet.
    fn enroll(&self, watcher: &Arc<Watcher>) -> Result<(), Status> {
        let mut state = lock(&self.state);
        if state.watchers_count >= HEALTH_WATCHERS_MAX {
            return Err(Status::resource_exhausted(format!(
                "{HEALTH_WATCHERS_MAX} calls watch this server's health already"
            )));
        }
        state.watchers_count += 1;
        state.watchers.entry(watcher.service.clone()).or_default().push(watcher.clone());
        Ok(())
    }

    fn tell_watchers_of(&self, service: &str) {
        let watchers = lock(&self.state).watchers.get(service).cloned().unwrap_or_default();
        for watcher in &watchers {
            self.tell(watcher);
        }
    }

    /// Sends the status as it is now, unless that is what the watcher was sent last.
    fn tell(&self, watcher: &Arc<Watcher>) {
        let mut place = lock(&watcher.watch);
        let Some(watch) = &mut *place else { return };
        // Read under the watcher's lock: of two who tell, the later one sends the later status.
        let known = lock(&self.state).statuses.get(&watcher.service).copied();
        let status = known.unwrap_or(ServingStatus::ServiceUnknown);
        if watch.sent == Some(status) {
            return;
        }
        match watch.replies.try_send(response(status)) {
            Ok(true) => watch.sent = Some(status),
            Ok(false) => {
                let slow = Status::resource_exhausted("the watcher does not read what it is sent");
                if let Some(watch) = place.take() {
                    watch.replies.finish(Err(slow));
                }
            }
            // The call is over; whoever ended it knows.
            Err(_) => *place = None,
        }
        let is_over = place.is_none();
        drop(place);
        if is_over {
            lock(&self.state).remove(watcher);
        }
    }
}

impl State {
    fn remove(&mut self, watcher: &Arc<Watcher>) {
        let Some(watchers) = self.watchers.get_mut(&watcher.service) else { return };
        let before = watchers.len();
        watchers.retain(|other| !Arc::ptr_eq(other, watcher));
        self.watchers_count -= before - watchers.len();
        if watchers.is_empty() {
            self.watchers.remove(&watcher.service);
        }
    }
}

/// Lets go of a watcher whose call is over; what is left of that takes locks of the connection
/// when it is dropped.
fn forget(state: &Weak<Mutex<State>>, watcher: &Weak<Watcher>) -> Option<Watch> {
    let (state, watcher) = (state.upgrade()?, watcher.upgrade()?);
    lock(&state).remove(&watcher);
    lock(&watcher.watch).take()
}

/// Ends the call of a watcher: the server stops.
fn end(state: &Weak<Mutex<State>>, watcher: &Weak<Watcher>) {
    if let Some(watch) = forget(state, watcher) {
        watch.replies.finish(Err(Status::unavailable("the server is stopping")));
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status, ..Default::default() }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Adds a watcher without a call.
    pub(crate) fn enroll_one(health: &HealthService) -> Result<(), Status> {
        let watcher = Watcher { service: "nobody".to_owned(), watch: Mutex::default() };
        health.statuses.enroll(&Arc::new(watcher))
    }
}
