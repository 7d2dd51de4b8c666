//! A service that gives back what it gets, and counts the handlers that begin and end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rust_grpc::generated::service::ServerCall;
use rust_grpc::message::Writer;
use rust_grpc::{Codec, Context, Method, MethodKind, ReplySink, RequestStream, Service, Status};

pub(crate) const UNARY: Method = Method::new("/test.Echo/Unary", MethodKind::Unary);
pub(crate) const CHAT: Method = Method::new("/test.Echo/Chat", MethodKind::Bidirectional);

/// Messages that are text.
pub(crate) struct Text;

impl Codec<String> for Text {
    fn encode(&self, value: &String, writer: &mut Writer) -> Result<(), Status> {
        writer.prepend(value.as_bytes());
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<String, Status> {
        String::from_utf8(bytes.to_vec()).map_err(|_| Status::internal("not UTF-8"))
    }
}

#[derive(Default)]
pub(crate) struct Echo(Counts);

/// How many handlers have begun and ended.
#[derive(Clone, Default)]
pub(crate) struct Counts {
    pub(crate) begun: Arc<AtomicUsize>,
    pub(crate) ended: Arc<AtomicUsize>,
}

impl Echo {
    pub(crate) fn counts(&self) -> Counts {
        self.0.clone()
    }
}

impl Service for Echo {
    fn name(&self) -> &str {
        "test.Echo"
    }

    fn methods(&self) -> &[Method] {
        const METHODS: &[Method] = &[UNARY, CHAT];
        METHODS
    }

    fn call(&self, method: usize, call: ServerCall<'_>) {
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        match method {
            0 => call.unary(&Text, |request: String, _: &mut Context| Ok(request)),
            1 => call.bidirectional(&Text, chat),
            _ => call.unimplemented(),
        }
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

fn chat(
    requests: &mut RequestStream<String>,
    replies: &mut ReplySink<String>,
    _: &mut Context,
) -> Result<(), Status> {
    requests.try_for_each(|request| replies.send(request?))
}
