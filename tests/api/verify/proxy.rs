//! A proxy in front of the server, which answers some errors with a page of its own, or all of them.

use super::{
    differing,
    stand_in::{Answer, Behaviour, StandIn},
    verify,
};

#[test]
fn pages_of_a_proxy_are_found() {
    let proxy = Behaviour::default()
        .with("bodyTooLarge", Answer::html(413, "413 Request Entity Too Large"))
        .with("wrongMethod", Answer::html(405, "405 Not Allowed").header("Allow", &[]))
        .with("unknownPath", Answer::html(404, "404 Not Found"));
    let proxy = StandIn::start(proxy);
    let verified = verify(&proxy.url, &[]);
    let report = verified.report_of(&proxy.url);
    assert_eq!(
        differing(&report),
        [
            "unknownPath: body, header Vary, header Content-Type",
            "wrongMethod: body, header Vary, header Content-Type, header Allow",
            "bodyTooLarge: body, header Vary, header Content-Type",
        ]
    );
    assert_eq!((&report["general"], verified.code), (&serde_json::json!([]), Some(0)));
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap());
}

#[test]
fn a_proxy_that_answers_everything_is_no_server_to_compare() {
    let page = Behaviour { everything: Some(Answer::html(200, "Welcome to nginx!").into()), ..Behaviour::default() };
    let proxy = StandIn::start(page);
    let verified = verify(&proxy.url, &[]);
    assert_eq!((verified.code, &*verified.stdout), (Some(2), ""));
    insta::assert_snapshot!(verified.stderr.replace(&proxy.url, "http://proxy"));
    assert_eq!(proxy.calls().len(), 1);
}
