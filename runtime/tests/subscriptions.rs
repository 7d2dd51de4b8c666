//! A thousand streams that wait: they hold no thread, neither the client's nor the server's.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rust_grpc::generated::service::{ServerCall, server_streaming};
use rust_grpc::{
    Channel, DetachedSink, Method, MethodKind, RawBytes, ReplyStream, Request, Server, Service,
};

const STREAMS: usize = 1000;
const PATIENCE: Duration = Duration::from_secs(60);
const WATCH: Method = Method::new("/test.News/Watch", MethodKind::ServerStreaming);

/// Keeps the replies of whoever subscribes, and answers once.
#[derive(Clone, Default)]
struct News(Arc<Mutex<Vec<DetachedSink<Vec<u8>>>>>);

impl Service for News {
    fn name(&self) -> &str {
        "test.News"
    }

    fn methods(&self) -> &[Method] {
        const METHODS: &[Method] = &[WATCH];
        METHODS
    }

    fn call(&self, _: usize, call: ServerCall<'_>) {
        call.server_streaming(&RawBytes, |request: Vec<u8>, replies, _| {
            // Whoever has the reply finds the sink among those that are kept.
            let mut kept = self.0.lock().unwrap();
            let mut sink = replies.detach();
            sink.send(request)?;
            kept.push(sink);
            Ok(())
        });
    }
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// A thousand open streams on one connection, with one worker: each has begun, no threads were added
/// for them, and each gets what is sent to it later.
#[test]
fn a_thousand_open_streams_add_no_thread() {
    let news = News::default();
    let server = Server::builder()
        .max_workers(1)
        .max_concurrent_streams(u32::try_from(STREAMS).unwrap())
        .add_service(news.clone())
        .bind("127.0.0.1:0")
        .unwrap()
        .start()
        .unwrap();
    let channel = Channel::insecure(&server.local_addresses()[0].to_string()).unwrap();
    let subscribe = |number: usize| {
        let request = Request::new(number.to_le_bytes().to_vec()).timeout(PATIENCE);
        let begun = server_streaming::<Vec<u8>, _, _>(&channel, &WATCH, &RawBytes, request);
        let mut stream: ReplyStream<Vec<u8>> = begun.unwrap();
        assert_eq!(stream.recv().unwrap().unwrap(), number.to_le_bytes());
        stream
    };
    let mut streams: Vec<_> = (0..4).map(subscribe).collect();
    let before = threads();
    streams.extend((4..STREAMS).map(subscribe));
    assert_eq!(news.0.lock().unwrap().len(), STREAMS);
    let now = threads();
    // Those that live as long as the process, as that of the timer, may have started meanwhile.
    assert!(now <= before + 4, "{before} threads with 4 streams, {now} with {STREAMS}");

    for mut sink in news.0.lock().unwrap().drain(..) {
        sink.send(b"news".to_vec()).unwrap();
        sink.finish(Ok(()));
    }
    for mut stream in streams {
        assert_eq!(stream.recv().unwrap().unwrap(), b"news");
        assert_eq!(stream.recv().unwrap(), None);
    }
    server.stop(Duration::ZERO);
}
