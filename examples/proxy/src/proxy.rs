//! Passes calls on: of any method and kind, as bytes.

use std::thread;

use rust_grpc::{
    BidiStream, Channel, Context, DetachedSink, GenericHandler, Method, MethodHandler, MethodKind,
    RawBytes, ReplyReceiver, Request, Status,
};

type Bytes = Vec<u8>;

/// Passes every call on to `upstream`. One message is a stream of one, so one kind does for all.
pub fn proxy(upstream: Channel) -> impl GenericHandler {
    let handler = MethodHandler::stream_stream(&RawBytes, move |requests, replies, context| {
        let method = Method::from_path(context.method(), MethodKind::Bidirectional)?;
        let request = Request::new(()).extend_metadata(context.metadata());
        // Made on this thread: the deadline and the cancellation are passed on by that.
        let call: BidiStream<Bytes, Bytes> = upstream.stream_stream(&method, &RawBytes, request)?;
        let ((mut sender, receiver), replies) = (call.split(), replies.detach());
        thread::scope(|scope| {
            // It ends the call for the client, which ends the requests below.
            scope.spawn(|| pass_replies_on(receiver, replies, context));
            // An error means that the call is over on one side; dropping the sender ends the other.
            if requests.try_for_each(|request: Result<Bytes, Status>| sender.send(request?)).is_ok()
            {
                sender.close_send();
            }
        });
        Ok(())
    });
    move |_: &Context| Some(handler.clone())
}

fn pass_replies_on(mut from: ReplyReceiver<Bytes>, mut to: DetachedSink<Bytes>, context: &Context) {
    let head = from.metadata().and_then(|metadata| context.send_initial_metadata(metadata));
    let result = head.and_then(|()| from.try_for_each(|reply| to.send(reply?)));
    // The status of a call that has failed has it already.
    if result.is_ok() {
        *to.trailing_metadata_mut() = from.trailing_metadata().cloned().unwrap_or_default();
    }
    to.finish(result);
}
