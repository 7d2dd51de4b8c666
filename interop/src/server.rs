//! Our side as a server: what Python's client calls.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use rust_grpc::health::{HealthService, ServingStatus};
use rust_grpc::{Code, Context, Metadata, MetadataValue, ReplySink, RequestStream, Status};

use crate::proto::interop::{
    Chunk, DownloadRequest, EchoReply, EchoRequest, HangRequest, Interop, UploadSummary,
};

/// Serves `interop.Interop`.
///
/// The status of `hang.NAME` is SERVING for as long as a call of Hang with that name runs.
pub struct InteropService {
    health: HealthService,
    ended: Mutex<HashSet<String>>,
    changed: Condvar,
}

impl InteropService {
    /// Tells `health` of the calls that hang.
    pub fn new(health: HealthService) -> Self {
        Self { health, ended: Mutex::default(), changed: Condvar::new() }
    }
}

impl Interop for InteropService {
    fn echo(&self, request: EchoRequest, context: &mut Context) -> Result<EchoReply, Status> {
        copy_metadata(context)?;
        match request.code {
            0 => Ok(EchoReply { payload: request.payload, ..Default::default() }),
            code => Err(Status::new(Code::from_number(code), request.message)),
        }
    }

    fn download(
        &self,
        request: DownloadRequest,
        replies: &mut ReplySink<Chunk>,
        context: &mut Context,
    ) -> Result<(), Status> {
        copy_metadata(context)?;
        for number in 0..request.count {
            let payload = vec![number.to_le_bytes()[0]; request.size as usize];
            replies.send(&Chunk { number, payload, ..Default::default() })?;
        }
        Ok(())
    }

    fn upload(
        &self,
        requests: &mut RequestStream<Chunk>,
        context: &mut Context,
    ) -> Result<UploadSummary, Status> {
        copy_metadata(context)?;
        let mut summary = UploadSummary::default();
        for chunk in requests {
            summary.count += 1;
            summary.bytes += chunk?.payload.len() as u64;
        }
        Ok(summary)
    }

    fn chat(
        &self,
        requests: &mut RequestStream<Chunk>,
        replies: &mut ReplySink<Chunk>,
        context: &mut Context,
    ) -> Result<(), Status> {
        copy_metadata(context)?;
        for chunk in requests {
            replies.send(&chunk?)?;
        }
        Ok(())
    }

    fn hang(
        &self,
        request: HangRequest,
        replies: &mut ReplySink<Chunk>,
        context: &mut Context,
    ) -> Result<(), Status> {
        let service = format!("hang.{}", request.name);
        self.health.set(&service, ServingStatus::Serving);
        replies.send(Chunk::default())?;
        while !context.wait_cancelled(Duration::from_secs(60)) {}
        self.health.set(&service, ServingStatus::NotServing);
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).insert(request.name);
        self.changed.notify_all();
        Err(Status::cancelled("the call ended from outside"))
    }

    fn await_end(&self, request: HangRequest, context: &mut Context) -> Result<EchoReply, Status> {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        while !ended.contains(&request.name) {
            let Some(left) = context.time_remaining().filter(|left| !left.is_zero()) else {
                return Err(Status::deadline_exceeded(format!("{} still runs", request.name)));
            };
            ended =
                self.changed.wait_timeout(ended, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(EchoReply::default())
    }
}

/// Copies `x-echo-initial*` and `x-echo-trailing*` of the request into the call's own metadata.
fn copy_metadata(context: &mut Context) -> Result<(), Status> {
    let mut initial = Metadata::new();
    let mut trailing = Metadata::new();
    for (key, value) in context.metadata().iter() {
        let target = match key {
            key if key.starts_with("x-echo-initial") => &mut initial,
            key if key.starts_with("x-echo-trailing") => &mut trailing,
            _ => continue,
        };
        let copied = match value {
            MetadataValue::Text(text) => target.append(key, text),
            MetadataValue::Binary(bytes) => target.append_bin(key, bytes),
        };
        copied.map_err(|invalid| Status::internal(invalid.to_string()))?;
    }
    if !initial.is_empty() {
        context.send_initial_metadata(&initial)?;
    }
    context.set_trailing_metadata(trailing);
    Ok(())
}
