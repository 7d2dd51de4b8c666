//! The service `hello.Greeter` as the plugin writes it, with a method of each kind, for the tests
//! of the runtime: they stand below the plugin and cannot run it.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "generated code is public, and tests take what they need"
)]

use std::sync::Arc;

use rust_grpc::generated::message::{FieldWriter, Reader, Str};
use rust_grpc::generated::service::{self, Protobuf, ServerCall};
use rust_grpc::{
    BidiStream, Channel, Context, DecodeError, IntoRequest, Message, Method, MethodKind, Pending,
    ReplySink, ReplyStream, RequestSink, RequestStream, Response, Service, Status, UnknownFields,
};

/// A message of one text field, number 1.
macro_rules! text_message {
    ($name:ident, $field:ident) => {
        #[derive(Clone, PartialEq, Default, Debug)]
        pub struct $name {
            pub $field: String,
            pub unknown: UnknownFields,
        }

        impl Message for $name {
            const FULL_NAME: &'static str = concat!("hello.", stringify!($name));

            fn write_fields<'m>(&'m self, mut writer: FieldWriter<'_, 'm>) -> usize {
                writer.unknown(&self.unknown);
                writer.implicit::<Str>(1, &self.$field);
                writer.room_left()
            }

            fn merge_fields(&mut self, mut reader: Reader<'_>) -> Result<(), DecodeError> {
                while let Some(tag) = reader.next_tag()? {
                    match tag {
                        10 => reader.singular::<Str>(&mut self.$field)?,
                        tag => reader.unknown(tag, &mut self.unknown)?,
                    }
                }
                Ok(())
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self { $field: text.to_owned(), ..Self::default() }
            }
        }
    };
}

text_message!(HelloRequest, name);
text_message!(HelloReply, message);

/// One method of each kind.
pub trait Greeter: Send + Sync {
    fn say_hello(
        &self,
        request: HelloRequest,
        context: &mut Context,
    ) -> Result<HelloReply, Status> {
        let _ = (request, context);
        Err(service::unimplemented(&GREETER_METHODS[0]))
    }

    fn list(
        &self,
        request: HelloRequest,
        replies: &mut ReplySink<HelloReply>,
        context: &mut Context,
    ) -> Result<(), Status> {
        let _ = (request, replies, context);
        Err(service::unimplemented(&GREETER_METHODS[1]))
    }

    fn record(
        &self,
        requests: &mut RequestStream<HelloRequest>,
        context: &mut Context,
    ) -> Result<HelloReply, Status> {
        let _ = (requests, context);
        Err(service::unimplemented(&GREETER_METHODS[2]))
    }

    fn chat(
        &self,
        requests: &mut RequestStream<HelloRequest>,
        replies: &mut ReplySink<HelloReply>,
        context: &mut Context,
    ) -> Result<(), Status> {
        let _ = (requests, replies, context);
        Err(service::unimplemented(&GREETER_METHODS[3]))
    }
}

pub const GREETER_METHODS: &[Method] = &[
    Method::new("/hello.Greeter/SayHello", MethodKind::Unary),
    Method::new("/hello.Greeter/List", MethodKind::ServerStreaming),
    Method::new("/hello.Greeter/Record", MethodKind::ClientStreaming),
    Method::new("/hello.Greeter/Chat", MethodKind::Bidirectional),
];

pub struct GreeterServer<T> {
    service: Arc<T>,
}

impl<T: Greeter> GreeterServer<T> {
    pub fn new(service: T) -> Self {
        Self { service: Arc::new(service) }
    }
}

impl<T: Greeter> Service for GreeterServer<T> {
    fn name(&self) -> &str {
        "hello.Greeter"
    }

    fn methods(&self) -> &[Method] {
        GREETER_METHODS
    }

    fn call(&self, method: usize, call: ServerCall<'_>) {
        match method {
            0 => call.unary(&Protobuf, |request, context| self.service.say_hello(request, context)),
            1 => call.server_streaming(&Protobuf, |request, replies, context| {
                self.service.list(request, replies, context)
            }),
            2 => call.client_streaming(&Protobuf, |requests, context| {
                self.service.record(requests, context)
            }),
            3 => call.bidirectional(&Protobuf, |requests, replies, context| {
                self.service.chat(requests, replies, context)
            }),
            _ => call.unimplemented(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct GreeterStub {
    channel: Channel,
}

impl GreeterStub {
    pub fn new(channel: Channel) -> Self {
        Self { channel }
    }

    pub fn say_hello(
        &self,
        request: impl IntoRequest<HelloRequest>,
    ) -> Result<Response<HelloReply>, Status> {
        service::unary(&self.channel, &GREETER_METHODS[0], &Protobuf, request)
    }

    pub fn say_hello_pending(
        &self,
        request: impl IntoRequest<HelloRequest>,
    ) -> Result<Pending<HelloReply>, Status> {
        service::unary_pending(&self.channel, &GREETER_METHODS[0], &Protobuf, request)
    }

    pub fn list(
        &self,
        request: impl IntoRequest<HelloRequest>,
    ) -> Result<ReplyStream<HelloReply>, Status> {
        service::server_streaming(&self.channel, &GREETER_METHODS[1], &Protobuf, request)
    }

    pub fn record(
        &self,
        request: impl IntoRequest<()>,
    ) -> Result<RequestSink<HelloRequest, HelloReply>, Status> {
        service::client_streaming(&self.channel, &GREETER_METHODS[2], &Protobuf, request)
    }

    pub fn chat(
        &self,
        request: impl IntoRequest<()>,
    ) -> Result<BidiStream<HelloRequest, HelloReply>, Status> {
        service::bidirectional(&self.channel, &GREETER_METHODS[3], &Protobuf, request)
    }
}
