//! The route guide's client: `route-guide-client [TARGET]` makes one call of each kind.

use std::error::Error;
use std::thread;
use std::time::Duration;

use proto::routeguide::{Feature, Point, Rectangle, RouteGuideStub, RouteNote};
use rust_grpc::{Channel, Request, Status};

#[allow(dead_code)]
mod map;
mod proto {
    rust_grpc::include_protos!();
}

fn main() -> Result<(), Box<dyn Error>> {
    let target = std::env::args().nth(1).unwrap_or_else(|| "localhost:50051".to_owned());
    let guide = RouteGuideStub::new(Channel::insecure(&target)?);
    get_feature(&guide)?;
    list_features(&guide)?;
    record_route(&guide)?;
    route_chat(&guide)
}

/// One request, one reply.
fn get_feature(guide: &RouteGuideStub) -> Result<(), Box<dyn Error>> {
    println!("== GetFeature");
    for point in [point(470_567_000, 84_853_000), point(0, 0)] {
        let request = Request::new(&point).timeout(Duration::from_secs(5));
        let feature = guide.get_feature(request)?;
        describe(&feature);
    }
    Ok(())
}

/// One request, many replies: the stream is an iterator.
fn list_features(guide: &RouteGuideStub) -> Result<(), Box<dyn Error>> {
    println!("== ListFeatures");
    let area = Rectangle {
        lo: point(468_000_000, 82_000_000).into(),
        hi: point(474_000_000, 89_000_000).into(),
        ..Default::default()
    };
    for feature in guide.list_features(&area)? {
        describe(&feature?);
    }
    Ok(())
}

/// Many requests, one reply.
fn record_route(guide: &RouteGuideStub) -> Result<(), Box<dyn Error>> {
    println!("== RecordRoute");
    let mut route = guide.record_route(Request::new(()).timeout(Duration::from_secs(5)))?;
    for Feature { location, .. } in map::features() {
        route.send(&*location)?;
    }
    let summary = route.finish()?;
    println!(
        "{} points, {} features, {} km",
        summary.point_count,
        summary.feature_count,
        summary.distance / 1000
    );
    Ok(())
}

/// Many requests, many replies: one thread sends while another receives.
fn route_chat(guide: &RouteGuideStub) -> Result<(), Box<dyn Error>> {
    println!("== RouteChat");
    let (mut sender, receiver) = guide.route_chat(())?.split();
    let writer = thread::spawn(move || -> Result<(), Status> {
        for (place, message) in [(1, "first"), (2, "second"), (1, "third"), (1, "fourth")] {
            let location = point(place, place).into();
            let note = RouteNote { location, message: message.to_owned(), ..Default::default() };
            sender.send(&note)?;
        }
        sender.close_send();
        Ok(())
    });
    for note in receiver {
        let note = note?;
        println!("at {}: {}", note.location.latitude, note.message);
    }
    writer.join().map_err(|_| "the sending thread panicked")??;
    Ok(())
}

fn describe(feature: &Feature) {
    let Point { latitude, longitude, .. } = *feature.location;
    match feature.name.as_str() {
        "" => println!("nothing at {latitude}, {longitude}"),
        name => println!("{name} at {latitude}, {longitude}"),
    }
}

fn point(latitude: i32, longitude: i32) -> Point {
    Point { latitude, longitude, ..Default::default() }
}
