//! Passes calls on: of any method and kind, as bytes.

use std::thread;

use rust_grpc::{
    BidiStream, Channel, Context, DetachedSink, GenericHandler, Method, MethodHandler, MethodKind,
    RawBytes, ReplyReceiver, ReplySink, Request, RequestStream, Status,
};

type Bytes = Vec<u8>;

/// Passes every call on to `upstream`. One message is a stream of one, so one kind does for all.
pub fn proxy(upstream: Channel) -> impl GenericHandler {
    let pass_on = MethodHandler::stream_stream(&RawBytes, move |requests, replies, context| {
        let method = Method::from_path(context.method(), MethodKind::Bidirectional)?;
        let request = Request::new(()).extend_metadata(context.metadata());
        // Made on this thread: the deadline and the cancellation are passed on by that.
        connect(upstream.stream_stream(&method, &RawBytes, request)?, requests, replies, context)
    });
    move |_: &Context| Some(pass_on.clone())
}

/// Passes messages on in both directions, until the upstream ends the call.
fn connect(
    call: BidiStream<Bytes, Bytes>,
    requests: &mut RequestStream<Bytes>,
    replies: &mut ReplySink<Bytes>,
    context: &Context,
) -> Result<(), Status> {
    let (mut sender, receiver) = call.split();
    let replies = replies.detach();
    thread::scope(|scope| {
        // It ends the call for the client, which wakes the loop below.
        scope.spawn(|| pass_replies_on(receiver, replies, context));
        for request in requests {
            // An error means that the call is over on one side; dropping the sender ends the other.
            if request.and_then(|request| sender.send(request)).is_err() {
                return;
            }
        }
        sender.close_send();
    });
    Ok(())
}

fn pass_replies_on(
    mut receiver: ReplyReceiver<Bytes>,
    mut replies: DetachedSink<Bytes>,
    context: &Context,
) {
    let result = receiver.metadata().and_then(|metadata| context.send_initial_metadata(metadata));
    let result = result.and_then(|()| receiver.try_for_each(|reply| replies.send(reply?)));
    if result.is_ok() {
        let trailing = receiver.trailing_metadata().cloned().unwrap_or_default();
        *replies.trailing_metadata_mut() = trailing;
    }
    replies.finish(result);
}
