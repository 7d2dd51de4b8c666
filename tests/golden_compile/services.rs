//! What the generated services do: served by the runtime's server, called by the generated stubs.

use std::net::TcpListener;
use std::sync::Arc;

use rust_grpc::{
    Channel, Code, Context, Method, MethodKind, ReplySink, RequestStream, Server, Service, Status,
};

/// A server of one service on a port of its own, and a channel to it.
pub(super) struct Served {
    server: Server,
    pub(super) channel: Channel,
}

impl Served {
    pub(super) fn new(service: impl Service + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = listener.local_addr().unwrap().to_string();
        let server = Server::builder().add_service(service).bind(listener).unwrap();
        let server = server.start().unwrap();
        Self { server, channel: Channel::insecure(&target).unwrap() }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.server.stop(std::time::Duration::ZERO);
    }
}

mod route_guide {
    use super::{Context, ReplySink, RequestStream, Served, Status};
    use crate::services::services::common::{Area, Feature, Note};
    use crate::services::services::v1::{
        Point, RouteGuide, RouteGuideServer, RouteGuideStub, Summary,
    };

    struct Guide;

    impl RouteGuide for Guide {
        fn get_feature(&self, request: Point, _: &mut Context) -> Result<Feature, Status> {
            let name = format!("{} {}", request.latitude, request.longitude);
            Ok(Feature { name, ..Default::default() })
        }

        fn list_features(
            &self,
            request: Area,
            replies: &mut ReplySink<Feature>,
            _: &mut Context,
        ) -> Result<(), Status> {
            for at in 0..request.size {
                replies.send(Feature { name: at.to_string(), ..Default::default() })?;
            }
            Ok(())
        }

        fn record_route(
            &self,
            requests: &mut RequestStream<Point>,
            _: &mut Context,
        ) -> Result<Summary, Status> {
            let mut summary = Summary::default();
            while let Some(point) = requests.recv()? {
                summary.count += point.latitude;
            }
            Ok(summary)
        }

        fn route_chat(
            &self,
            requests: &mut RequestStream<Note>,
            replies: &mut ReplySink<Note>,
            _: &mut Context,
        ) -> Result<(), Status> {
            while let Some(note) = requests.recv()? {
                replies.send(Note { text: note.text + "!", ..Default::default() })?;
            }
            Ok(())
        }
    }

    fn point(latitude: i32) -> Point {
        Point { latitude, ..Default::default() }
    }

    /// All four kinds of rpc, with types of the file and of an import.
    #[test]
    fn four_kinds_of_rpc_are_served_and_called() {
        let served = Served::new(RouteGuideServer::new(Guide));
        let stub = RouteGuideStub::new(served.channel.clone());

        assert_eq!(stub.get_feature(point(7)).unwrap().name, "7 0");
        let eight = point(8);
        let pending = stub.get_feature_pending(&eight).unwrap();
        assert_eq!(pending.wait().unwrap().name, "8 0");

        let features = stub.list_features(Area { size: 3, ..Default::default() }).unwrap();
        let names: Vec<String> = features.map(|feature| feature.unwrap().name).collect();
        assert_eq!(names, ["0", "1", "2"]);

        let route = stub.record_route(()).unwrap().send_all([point(1), point(2)]).unwrap();
        assert_eq!(route.finish().unwrap().count, 3);

        let (mut requests, mut replies) = stub.route_chat(()).unwrap().split();
        for text in ["a", "b"] {
            requests.send(Note { text: text.into(), ..Default::default() }).unwrap();
            assert_eq!(replies.recv().unwrap().unwrap().text, format!("{text}!"));
        }
        requests.close_send();
        assert_eq!(replies.recv().unwrap(), None);
    }
}

/// Services over messages that exist elsewhere are served and called with those.
#[test]
fn messages_from_elsewhere_are_served_and_called() {
    use crate::maps::maps::Point;
    use crate::messages_extern::messages_extern::{Answers, AnswersServer, AnswersStub};
    struct Points;
    impl Answers for Points {
        fn give(&self, request: Point, _: &mut Context) -> Result<Point, Status> {
            Ok(Point { x: -request.x, ..Default::default() })
        }

        fn list(
            &self,
            _: rust_grpc::well_known::Empty,
            replies: &mut ReplySink<Point>,
            _: &mut Context,
        ) -> Result<(), Status> {
            (1..=2).try_for_each(|x| replies.send(Point { x, ..Default::default() }))
        }
    }
    let served = Served::new(AnswersServer::new(Points));
    let stub = AnswersStub::new(served.channel.clone());
    assert_eq!(stub.give(Point { x: 3, ..Default::default() }).unwrap().x, -3);
    let points = stub.list(rust_grpc::well_known::Empty::default()).unwrap();
    assert_eq!(points.map(|point| point.unwrap().x).collect::<Vec<_>>(), [1, 2]);
}

/// The methods of a service stand in the order of the .proto, with the paths that gRPC calls.
#[test]
fn methods_are_a_constant() {
    use crate::no_package::PLAIN_METHODS;
    use crate::services::services::v1::{EMPTY_METHODS, ROUTE_GUIDE_METHODS};
    let shown: Vec<_> = ROUTE_GUIDE_METHODS.iter().map(|m| (m.path(), m.kind())).collect();
    assert_eq!(
        shown,
        [
            ("/services.v1.RouteGuide/GetFeature", MethodKind::Unary),
            ("/services.v1.RouteGuide/ListFeatures", MethodKind::ServerStreaming),
            ("/services.v1.RouteGuide/RecordRoute", MethodKind::ClientStreaming),
            ("/services.v1.RouteGuide/RouteChat", MethodKind::Bidirectional),
        ]
    );
    assert!(EMPTY_METHODS.is_empty());
    assert_eq!(PLAIN_METHODS.iter().map(Method::path).collect::<Vec<_>>(), ["/Plain/Call"]);
}

/// An rpc without an implementation answers UNIMPLEMENTED: a new one breaks nobody.
#[test]
fn default_bodies_answer_unimplemented() {
    use crate::hello::hello::{Greeter, GreeterServer, GreeterStub, HelloRequest};
    struct Nobody;
    impl Greeter for Nobody {}
    let nobody = GreeterServer::from_arc(Arc::new(Nobody));
    let served = Served::new(nobody.clone());
    let status = GreeterStub::new(served.channel.clone())
        .say_hello(HelloRequest::default())
        .expect_err("nobody says hello");
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(Service::name(&nobody), "hello.Greeter");
}

/// rpcs that come out alike, or as what every stub has, are served under names of their own.
#[test]
fn clashing_rpcs_reach_their_functions() {
    use crate::clash_services::clash_services::{
        Greeter, GreeterServer_, GreeterStub_, Protobuf, ProtobufServer, ProtobufStub, Request,
    };
    struct Names;
    fn named(text: &str) -> Result<Request, Status> {
        Ok(Request { text: text.to_owned(), ..Default::default() })
    }
    impl Greeter for Names {
        fn new_(&self, _: Request, _: &mut Context) -> Result<Request, Status> {
            named("New")
        }
        fn clone(&self, _: Request, _: &mut Context) -> Result<Request, Status> {
            named("Clone")
        }
        fn say_hello_(&self, _: Request, _: &mut Context) -> Result<Request, Status> {
            named("SayHello")
        }
        fn say_hello(&self, _: Request, _: &mut Context) -> Result<Request, Status> {
            named("say_hello")
        }
        fn say_hello_pending(&self, _: Request, _: &mut Context) -> Result<Request, Status> {
            named("SayHelloPending")
        }
    }
    impl Protobuf for Names {
        fn protobuf(&self, _: Request, _: &mut Context) -> Result<Request, Status> {
            named("Protobuf")
        }
    }
    let ask = Request::default;
    let served = Served::new(GreeterServer_::new(Names));
    let stub = GreeterStub_::new(served.channel.clone());
    assert_eq!(stub.new_(ask()).unwrap().text, "New");
    assert_eq!(stub.clone(ask()).unwrap().text, "Clone");
    assert_eq!(stub.say_hello_(ask()).unwrap().text, "SayHello");
    assert_eq!(stub.say_hello(ask()).unwrap().text, "say_hello");
    assert_eq!(stub.say_hello_pending(ask()).unwrap().text, "SayHelloPending");
    let pending = stub.say_hello_pending_(ask()).unwrap();
    assert_eq!(pending.wait().unwrap().text, "say_hello");
    let served = Served::new(ProtobufServer::new(Names));
    let stub = ProtobufStub::new(served.channel.clone());
    assert_eq!(stub.protobuf(ask()).unwrap().text, "Protobuf");
}

/// A service and rpcs that are keywords.
#[test]
fn keywords_are_served() {
    use crate::keywords::keywords::r#type::super_::r#async::{
        Match, Self_, r#trait, traitServer, traitStub,
    };
    struct Words;
    impl r#trait for Words {
        fn r#fn(&self, _: Match, _: &mut Context) -> Result<Self_, Status> {
            Ok(Self_ { name: "fn".into(), ..Default::default() })
        }
        fn r#move(
            &self,
            requests: &mut RequestStream<Match>,
            _: &mut Context,
        ) -> Result<Match, Status> {
            requests.recv().map(Option::unwrap_or_default)
        }
        fn self_(&self, _: Match, _: &mut ReplySink<Match>, _: &mut Context) -> Result<(), Status> {
            Ok(())
        }
    }
    let served = Served::new(traitServer::new(Words));
    let stub = traitStub::new(served.channel.clone());
    assert_eq!(stub.r#fn(Match::default()).unwrap().name, "fn");
    assert_eq!(stub.self_(Match::default()).unwrap().count(), 0);
    stub.r#move(()).unwrap().finish().unwrap();
}

/// Without a package, with the runtime under another name, and with the runtime's own types.
#[test]
fn packages_and_runtimes_are_found() {
    use crate::runtime_path::runtime_path::{Greeter, GreeterServer, GreeterStub, Name};
    struct Echo;
    impl Greeter for Echo {
        fn say_hello(&self, request: Name, _: &mut Context) -> Result<Name, Status> {
            Ok(request)
        }
    }
    let served = Served::new(GreeterServer::new(Echo));
    let stub = GreeterStub::new(served.channel.clone());
    let name = Name { name: "n".into(), ..Default::default() };
    assert_eq!(*stub.say_hello(&name).unwrap(), name);

    use crate::no_package::{Plain, PlainServer, PlainStub, Rootless, inside::Thing};
    impl Plain for Echo {
        fn call(&self, _: Rootless, _: &mut Context) -> Result<Thing, Status> {
            Ok(Thing { name: "t".into(), ..Default::default() })
        }
    }
    let served = Served::new(PlainServer::new(Echo));
    let stub = PlainStub::new(served.channel.clone());
    assert_eq!(stub.call(Rootless::default()).unwrap().name, "t");

    use crate::well_known::well_known::{Event, Events, EventsServer, EventsStub};
    use rust_grpc::well_known::Empty;
    impl Events for Echo {
        fn watch(
            &self,
            _: Empty,
            replies: &mut ReplySink<Event>,
            _: &mut Context,
        ) -> Result<(), Status> {
            replies.send(Event::default())
        }
    }
    let served = Served::new(EventsServer::new(Echo));
    let stub = EventsStub::new(served.channel.clone());
    assert_eq!(stub.watch(Empty::default()).unwrap().count(), 1);
}
