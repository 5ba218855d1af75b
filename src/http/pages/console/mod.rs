//! The console: one page for administrators, and for developers who use a fake.
//!
//! Its files are part of the binary, and it loads nothing from other servers. It calls only the public routes, mostly those
//! under `/admin`, with the token that the reader enters.

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    http::{
        StatusCode,
        header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue},
    },
    web::{Path, ThinData},
};

use crate::http::{
    failure::Failure, pages::shared_text::SharedText, responses::Json, state::ConsoleInfo, state::State,
};

/// Forbids inline code, other servers and frames, so that the name of a client can never become code.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A file of the console.
#[derive(Clone, Copy)]
pub(crate) struct Asset {
    name: &'static str,
    media_type: &'static str,
    text: &'static str,
}

/// Embeds files from this folder.
macro_rules! assets {
    ($($name:literal $media_type:ident),+ $(,)?) => {
        [$(Asset { name: $name, media_type: $media_type, text: include_str!($name) }),+]
    };
}

const PAGE: [Asset; 1] = assets!["index.html" HTML];

const ASSETS: [Asset; 42] = assets![
    "style.css" CSS,
    "layout.css" CSS,
    "icon.svg" SVG,
    "address.js" JAVASCRIPT,
    "api.js" JAVASCRIPT,
    "audit.js" JAVASCRIPT,
    "board.js" JAVASCRIPT,
    "channel.js" JAVASCRIPT,
    "chart.js" JAVASCRIPT,
    "client.js" JAVASCRIPT,
    "clock.js" JAVASCRIPT,
    "compose.js" JAVASCRIPT,
    "controls.js" JAVASCRIPT,
    "deliveries.js" JAVASCRIPT,
    "details.js" JAVASCRIPT,
    "dom.js" JAVASCRIPT,
    "edit.js" JAVASCRIPT,
    "fake.js" JAVASCRIPT,
    "filters.js" JAVASCRIPT,
    "flag.js" JAVASCRIPT,
    "form.js" JAVASCRIPT,
    "forms.js" JAVASCRIPT,
    "list.js" JAVASCRIPT,
    "live.js" JAVASCRIPT,
    "main.js" JAVASCRIPT,
    "names.js" JAVASCRIPT,
    "notice.js" JAVASCRIPT,
    "refusals.js" JAVASCRIPT,
    "router.js" JAVASCRIPT,
    "rows.js" JAVASCRIPT,
    "search.js" JAVASCRIPT,
    "send.js" JAVASCRIPT,
    "sends.js" JAVASCRIPT,
    "session.js" JAVASCRIPT,
    "status.js" JAVASCRIPT,
    "thread.js" JAVASCRIPT,
    "time.js" JAVASCRIPT,
    "toast.js" JAVASCRIPT,
    "token.js" JAVASCRIPT,
    "tokens.js" JAVASCRIPT,
    "why.js" JAVASCRIPT,
    "worlds.js" JAVASCRIPT,
];

/// `GET /`.
pub(crate) async fn page() -> Asset {
    PAGE[0]
}

/// `GET /console/{asset}`.
pub(crate) async fn asset(name: Path<String>) -> Result<Asset, Failure> {
    ASSETS.into_iter().find(|asset| asset.name == *name).ok_or(Failure::NoSuchPath)
}

/// `GET /console.json`: what the page needs before it has a token.
pub(crate) async fn info(ThinData(app): State) -> Json<ConsoleInfo> {
    Json::ok(app.console.clone())
}

impl Responder for Asset {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::new(StatusCode::OK).set_body(BoxBody::new(SharedText::from(self.text)));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        headers.insert(CONTENT_SECURITY_POLICY, POLICY);
        response
    }
}

#[cfg(test)]
mod tests {
    use crate::survey::rules::Rule;

    #[test]
    fn the_console_has_a_text_for_every_rule() {
        let script = include_str!("why.js");
        for rule in Rule::ALL {
            let name = serde_json::to_value(rule).expect("a rule has a name");
            let entry = format!("\n  {}: '", name.as_str().expect("the name is a text"));
            assert!(script.contains(&entry), "why.js has no text for {name}");
        }
    }
}
