//! Messages that are mostly numbers or one long field: a surface, a piece of a map, columns, a frame.

use super::{Workload, flat};
use crate::random::Random;
use crate::schemas::prost::shapes::{
    Column, ColumnBatch, Feature, Geometry, Layer, MediaFrame, PackedTile, SideData, Triangle,
    TriangleMesh, Vertex,
};

pub(super) fn all() -> Vec<Workload> {
    vec![
        flat("TriangleMesh", 1, triangle_mesh),
        flat("PackedTile", 2, packed_tile),
        flat("ColumnBatch", 1, column_batch),
        flat("MediaFrame", 4, media_frame),
    ]
}

fn triangle_mesh(random: &mut Random) -> TriangleMesh {
    let triangle = |random: &mut Random| Triangle {
        a: Some(vertex(random)),
        b: Some(vertex(random)),
        c: Some(vertex(random)),
        material: random.varint(2) as u32,
    };
    TriangleMesh { name: random.words(3), triangles: (0..1000).map(|_| triangle(random)).collect() }
}

fn vertex(random: &mut Random) -> Vertex {
    let mut coordinate = || random.decimal(200) as f32 - 100.0;
    Vertex { x: coordinate(), y: coordinate(), z: coordinate() }
}

fn packed_tile(random: &mut Random) -> PackedTile {
    let layer = |random: &mut Random| Layer {
        name: random.letters(9),
        extent: 4096,
        features: (0..random.between(20, 120)).map(|_| feature(random)).collect(),
        keys: (0..random.between(4, 20)).map(|_| random.letters(8)).collect(),
    };
    PackedTile { layers: (0..4).map(|_| layer(random)).collect() }
}

/// Most steps between the points of a line are short: one byte, two for some.
fn feature(random: &mut Random) -> Feature {
    let geometries = [Geometry::Point, Geometry::Line, Geometry::Polygon];
    let geometry = geometries[random.between(0, 3)];
    let points = match geometry {
        Geometry::Point => 1,
        _ => random.between(4, 120),
    };
    let step = |random: &mut Random| {
        let end = if random.one_in(4) { 2000 } else { 120 };
        random.below(end) as i32 - end as i32 / 2
    };
    Feature {
        id: random.varint(5),
        geometry: geometry.into(),
        tags: (0..random.between(2, 10)).map(|_| random.below(160) as u32).collect(),
        commands: (0..2 * points).map(|_| step(random)).collect(),
    }
}

fn column_batch(random: &mut Random) -> ColumnBatch {
    let mut columns = Vec::new();
    for index in 0..12 {
        let mut column = Column {
            name: random.letters(10),
            valid: random.bytes(ROWS / 8),
            ..Default::default()
        };
        fill(&mut column, index % 6, random);
        columns.push(column);
    }
    ColumnBatch { rows: ROWS as u32, columns }
}

fn fill(column: &mut Column, kind: usize, random: &mut Random) {
    let rows = 0..ROWS;
    match kind {
        0 => column.integers = rows.map(|_| random.varint(9) as i64).collect(),
        1 => column.deltas = rows.map(|_| random.varint(2) as i64 - 5000).collect(),
        2 => column.numbers = rows.map(|_| random.decimal(1000)).collect(),
        3 => column.hashes = rows.map(|_| random.bits() as u32).collect(),
        4 => column.flags = rows.map(|_| random.one_in(2)).collect(),
        _ => {
            column.codes = rows.map(|_| random.below(200) as u32).collect();
            column.dictionary = (0..200).map(|_| random.words(2)).collect();
        }
    }
}

fn media_frame(random: &mut Random) -> MediaFrame {
    let presented_at = 90_000 * random.varint(3) as i64;
    let size = random.between(20_000, 80_000);
    MediaFrame {
        stream: 1,
        presented_at,
        decoded_at: presented_at - 3003,
        key: random.one_in(2),
        codec: "av01.0.08M.10".into(),
        payload: random.bytes(size),
        side_data: (0..2).map(|kind| SideData { kind, data: random.bytes(24) }).collect(),
    }
}

const ROWS: usize = 4096;
