//! The map that the route guide knows: features at points, and distances between points.

use crate::proto::routeguide::{Feature, Point, Rectangle};

/// The features of `features.txt`.
///
/// # Panics
///
/// If the file, which is compiled in, has a line that is neither a comment nor a feature.
pub fn features() -> Vec<Feature> {
    include_str!("features.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| parse(line).unwrap_or_else(|| panic!("features.txt: not a feature: {line:?}")))
        .collect()
}

/// Whether `point` lies in `area`, its edges included, whichever corners were given.
pub fn contains(area: &Rectangle, point: &Point) -> bool {
    let between = |a: i32, b: i32, x: i32| a.min(b) <= x && x <= a.max(b);
    between(area.lo.latitude, area.hi.latitude, point.latitude)
        && between(area.lo.longitude, area.hi.longitude, point.longitude)
}

/// Metres between two points on a sphere of the Earth's mean radius (the haversine formula).
pub fn distance(from: &Point, to: &Point) -> f64 {
    let radians = |units: i32| (f64::from(units) / UNITS_PER_DEGREE).to_radians();
    let half_sine = |a: i32, b: i32| ((radians(b) - radians(a)) / 2.0).sin().powi(2);
    let chord = half_sine(from.latitude, to.latitude)
        + radians(from.latitude).cos()
            * radians(to.latitude).cos()
            * half_sine(from.longitude, to.longitude);
    2.0 * EARTH_RADIUS_METRES * chord.sqrt().min(1.0).asin()
}

fn parse(line: &str) -> Option<Feature> {
    let (latitude, rest) = line.split_once(' ')?;
    let (longitude, name) = rest.split_once(' ')?;
    let latitude = latitude.parse().ok()?;
    let longitude = longitude.parse().ok()?;
    let location = Point { latitude, longitude, ..Default::default() };
    Some(Feature { name: name.to_owned(), location: location.into(), ..Default::default() })
}

const UNITS_PER_DEGREE: f64 = 1e7;
const EARTH_RADIUS_METRES: f64 = 6_371_000.0;
