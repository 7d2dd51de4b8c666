//! The route guide's server: `route-guide-server [ADDRESS]`, by default on `[::]:50051`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use proto::routeguide::{
    Feature, Point, Rectangle, RouteGuide, RouteGuideServer, RouteNote, RouteSummary,
};
use rust_grpc::{Context, ReplySink, RequestStream, Server, Status};

mod map;
mod proto {
    rust_grpc::include_protos!();
}

/// What the service knows; every call runs on a worker of its own, so changing parts are locked.
struct Guide {
    features: Vec<Feature>,
    notes: Mutex<HashMap<(i32, i32), Vec<RouteNote>>>,
}

impl Guide {
    fn feature_at(&self, point: &Point) -> Option<&Feature> {
        self.features.iter().find(|feature| *feature.location == *point)
    }

    /// Leaves `note` and returns what was left at its place before.
    fn exchange(&self, note: &RouteNote) -> Vec<RouteNote> {
        let place = (note.location.latitude, note.location.longitude);
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let here = notes.entry(place).or_default();
        let before = here.clone();
        here.push(note.clone());
        before
    }
}

impl RouteGuide for Guide {
    fn get_feature(&self, point: Point, _: &mut Context) -> Result<Feature, Status> {
        Ok(match self.feature_at(&point) {
            Some(feature) => feature.clone(),
            None => Feature { location: point.into(), ..Default::default() },
        })
    }

    fn list_features(
        &self,
        area: Rectangle,
        replies: &mut ReplySink<Feature>,
        _: &mut Context,
    ) -> Result<(), Status> {
        for feature in self.features.iter().filter(|it| map::contains(&area, &it.location)) {
            replies.send(feature)?;
        }
        Ok(())
    }

    fn record_route(
        &self,
        points: &mut RequestStream<Point>,
        _: &mut Context,
    ) -> Result<RouteSummary, Status> {
        let start = Instant::now();
        let mut summary = RouteSummary::default();
        let mut metres = 0.0;
        let mut last: Option<Point> = None;
        for point in points {
            let point = point?;
            summary.point_count += 1;
            summary.feature_count += i32::from(self.feature_at(&point).is_some());
            metres += last.as_ref().map_or(0.0, |last| map::distance(last, &point));
            last = Some(point);
        }
        summary.distance = metres as i32;
        summary.elapsed_time = start.elapsed().as_secs() as i32;
        Ok(summary)
    }

    fn route_chat(
        &self,
        notes: &mut RequestStream<RouteNote>,
        replies: &mut ReplySink<RouteNote>,
        _: &mut Context,
    ) -> Result<(), Status> {
        for note in notes {
            for earlier in self.exchange(&note?) {
                replies.send(&earlier)?;
            }
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "[::]:50051".to_owned());
    let guide = Guide { features: map::features(), notes: Mutex::default() };
    let server =
        Server::builder().add_service(RouteGuideServer::new(guide)).bind(&address)?.start()?;
    for address in server.local_addresses() {
        println!("listening on {address}");
    }
    server.wait_for_termination();
    Ok(())
}
