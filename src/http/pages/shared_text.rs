//! The body of a page, which all connections share.

use std::{
    borrow::Cow,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, MessageBody},
    web::Bytes,
};

/// actix copies each piece that it gets into the buffer of the connection. A client that reads nothing holds one or two.
const PIECE_BYTES: usize = 4 * 1024;

/// Parts of a page, sent one after another.
pub(super) struct SharedText {
    length: u64,
    parts: Box<dyn Iterator<Item = Bytes>>,
    /// What is left of the current part.
    rest: Bytes,
}

impl From<&'static str> for SharedText {
    fn from(text: &'static str) -> Self {
        Self {
            length: text.len() as u64,
            parts: Box::new(std::iter::empty()),
            rest: Bytes::from_static(text.as_bytes()),
        }
    }
}

impl From<Cow<'static, str>> for SharedText {
    fn from(text: Cow<'static, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => {
                Self { length: text.len() as u64, parts: Box::new(std::iter::empty()), rest: Bytes::from(text) }
            }
        }
    }
}

impl SharedText {
    /// A page in which each `placeholder` is replaced.
    pub(super) fn with(page: &'static str, placeholder: &'static str, text: String) -> Self {
        let count = page.matches(placeholder).count();
        let length = (page.len() - count * placeholder.len() + count * text.len()) as u64;
        let text = Bytes::from(text);
        let mut parts = page.split(placeholder);
        let rest = Bytes::from_static(parts.next().unwrap_or_default().as_bytes());
        let parts = parts.flat_map(move |part| [text.clone(), Bytes::from_static(part.as_bytes())]);
        Self { length, parts: Box::new(parts), rest }
    }
}

impl MessageBody for SharedText {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        while self.rest.is_empty() {
            match self.parts.next() {
                Some(part) => self.rest = part,
                None => return Poll::Ready(None),
            }
        }
        let length = self.rest.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(self.rest.split_to(length))))
    }
}
