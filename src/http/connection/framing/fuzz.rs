//! Random and damaged requests: every reader of the bytes that [`Framing`] passes on finds the same requests in them, with
//! the same ends, however the bytes are cut into pieces.
//!
//! The readers are actix, which comes next, and a family of readers on top of `httparse`. The family represents the proxies
//! that may be in front: each of its members is careless in other ways.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod inputs;
mod readers;

use std::cell::Cell;

use actix_http::ServiceConfig;
use actix_web::rt::System;
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};

use self::{
    inputs::{damage, request},
    readers::{Careless, by_actix, with_uri},
};
use super::{Expected, Framing, FramingResult};
use crate::http::connection::stream::NONSENSE;

const MAX_HEAD_BYTES: usize = 400;

/// What [`Framing`] passes on.
#[derive(Debug, PartialEq)]
struct Passed {
    bytes: usize,
    was_refused: bool,
    is_between_requests: bool,
    /// The body and the end of each request.
    requests: Vec<(Vec<u8>, Option<usize>)>,
}

fn pass(input: &[u8], pieces: &[usize]) -> Passed {
    let mut framing = Framing::new(MAX_HEAD_BYTES);
    let (mut start, mut received, mut requests) = (0, 0, Vec::<(Vec<u8>, Option<usize>)>::new());
    let mut pieces = pieces.iter().cycle();
    let was_refused = loop {
        let expected = framing.expected;
        match framing.step(&input[start..received]) {
            FramingResult::Pass(passed) => {
                match expected {
                    Expected::Head => requests.push((Vec::new(), None)),
                    Expected::Body(_) | Expected::Chunk(_) => {
                        requests.last_mut().unwrap().0.extend_from_slice(&input[start..start + passed]);
                    }
                    Expected::ChunkSize | Expected::ChunkEnd | Expected::LastLine => {}
                }
                start += passed;
                if framing.is_between_requests() {
                    requests.last_mut().unwrap().1 = Some(start);
                }
            }
            FramingResult::Refuse => break true,
            FramingResult::NeedMore => {
                let is_scanned_once = expected != Expected::Head || framing.scanned + 1 >= received - start;
                assert!(is_scanned_once, "a slow head is scanned from its start");
                if received == input.len() {
                    break false;
                }
                received = input.len().min(received + pieces.next().unwrap());
            }
        }
    };
    Passed { bytes: start, was_refused, is_between_requests: framing.is_between_requests(), requests }
}

fn check(config: &ServiceConfig, input: &[u8], pieces: &[usize]) -> Result<Passed, TestCaseError> {
    let passed = pass(input, pieces);
    prop_assert_eq!(&passed, &pass(input, &[input.len().max(1)]), "cut into pieces, it is another request");
    let mut bytes = input[..passed.bytes].to_vec();
    if passed.was_refused && passed.is_between_requests {
        bytes.extend_from_slice(NONSENSE);
    }
    let mut expected = None;
    for reader in Careless::all() {
        let requests = reader.read(&bytes);
        let ends: Vec<_> = requests.iter().map(|request| (request.body.clone(), request.end)).collect();
        prop_assert_eq!(&ends, &passed.requests, "{:?}", reader);
        expected = Some(requests);
    }
    let expected: Vec<_> = expected.unwrap().iter().map(with_uri).collect();
    let (actual, was_refused) = by_actix(config.clone(), &bytes);
    // actix may refuse a request that was passed on; then it reads nothing after it.
    let common = if was_refused { &expected[..actual.len().min(expected.len())] } else { &expected[..] };
    prop_assert_eq!(&actual, common, "actix reads something else");
    prop_assert!(was_refused || !(passed.was_refused && passed.is_between_requests), "actix does not refuse nonsense");
    Ok(passed)
}

fn fuzz(cases: u32) {
    let (whole, refused) = (Cell::new(0), Cell::new(0));
    let input = prop_oneof![
        9 => (vec(request(), 1..4), vec(damage(), 0..4)),
        1 => (vec(vec(any::<u8>(), 0..60), 1..2), vec(damage(), 1..2)),
    ];
    System::new().block_on(async {
        let service = ServiceConfig::default();
        let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
        let outcome = TestRunner::new(config).run(&(input, vec(1..40_usize, 1..6)), |((parts, damages), pieces)| {
            let mut bytes = parts.concat();
            for damage in &damages {
                damage.apply(&mut bytes);
            }
            let passed = check(&service, &bytes, &pieces)
                .map_err(|error| TestCaseError::fail(format!("{}: {error}", bytes.escape_ascii())))?;
            if damages.is_empty() {
                prop_assert_eq!((passed.bytes, passed.was_refused), (bytes.len(), false), "a valid request is refused");
            }
            whole.set(whole.get() + u32::from(passed.requests.iter().any(|(_, end)| end.is_some())));
            refused.set(refused.get() + u32::from(passed.was_refused));
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{error}"));
    });
    // Otherwise the cases say nothing.
    assert!(whole.get() > cases / 4 && refused.get() > cases / 4, "{whole:?} whole, {refused:?} refused of {cases}");
}

#[test]
fn no_request_has_two_readings() {
    fuzz(3_000);
}

/// Run it with `cargo test --lib no_request_has_two_readings_long -- --ignored`.
#[test]
#[ignore = "takes minutes"]
fn no_request_has_two_readings_long() {
    fuzz(200_000);
}
