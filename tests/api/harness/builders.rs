//! Rows and worlds. A test names what it is about; the rest has a value that lets a send through.

use serde_json::{Map, Value, json};

use super::{Client, Response};

/// A row of the model, as the routes of `/admin` and world files have it.
pub trait Row {
    /// The list that it belongs to: `threads`, say.
    const LIST: &str;

    fn row(&self) -> &Value;
}

fn with(mut row: Value, key: &str, value: impl Into<Value>) -> Value {
    row.as_object_mut().unwrap().insert(key.to_owned(), value.into());
    row
}

macro_rules! row {
    ($(#[$doc:meta])* $name:ident, $list:literal) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Value);

        impl Row for $name {
            const LIST: &str = $list;

            fn row(&self) -> &Value {
                &self.0
            }
        }

        impl $name {
            /// The row with its id.
            pub fn json(&self) -> Value {
                self.0.clone()
            }

            /// Sets a field.
            #[must_use]
            pub fn set(self, key: &str, value: impl Into<Value>) -> Self {
                Self(with(self.0, key, value))
            }
        }
    };
}

row!(/// A thread.
    Thread, "threads");
row!(/// A client; `Client` is the one of HTTP.
    ClientRow, "clients");
row!(/// A channel.
    Channel, "channels");
row!(/// A form.
    Form, "forms");

impl Thread {
    /// A closed thread of client 1 on channel 1: from 10:00 to 10:15 on 2026-03-01.
    pub fn closed(id: i64) -> Self {
        Self(json!({"id": id, "clientId": 1, "channel": 1, "status": "CLOSED",
                    "startTime": "2026-03-01T10:00:00.000Z", "stateChangeTime": "2026-03-01T10:15:00.000Z"}))
    }

    /// The same with a status that is not CLOSED.
    pub fn open(id: i64, status: &str) -> Self {
        Self::closed(id).set("status", status)
    }

    #[must_use]
    pub fn client(self, client: i64) -> Self {
        self.set("clientId", client)
    }

    #[must_use]
    pub fn channel(self, channel: i64) -> Self {
        self.set("channel", channel)
    }

    /// When it started, and when it came into its status.
    #[must_use]
    pub fn times(self, start: &str, change: &str) -> Self {
        self.set("startTime", start).set("stateChangeTime", change)
    }

    /// An open thread from the first time of the model to the last.
    pub fn longest(id: i64) -> Self {
        Self::open(id, "ANSWER_NEEDED").times("0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z")
    }

    /// When it came into its status: at that hour of its day, a whole one.
    #[must_use]
    pub fn changed_at_hour(self, hour: i64) -> Self {
        self.times("2026-03-01T00:00:00.000Z", &format!("2026-03-01T{hour:02}:00:00.000Z"))
    }
}

impl ClientRow {
    pub fn new(id: i64) -> Self {
        Self(json!({ "id": id }))
    }

    #[must_use]
    pub fn external_id(self, external_id: &str) -> Self {
        self.set("externalId", external_id)
    }
}

impl Channel {
    pub fn new(id: i64) -> Self {
        Self(json!({"id": id, "name": "Web widget", "type": "WEB"}))
    }

    #[must_use]
    pub fn delivery_url(self, url: &str) -> Self {
        self.set("deliveryUrl", url)
    }
}

impl Form {
    /// A form that is enabled on channel 1.
    pub fn new(id: i64) -> Self {
        Self(json!({"id": id, "name": "Service quality", "channels": [1]}))
    }

    /// One with every field.
    pub fn full(id: i64) -> Self {
        let question = json!({"minValue": 1, "maxValue": 5, "kpi": 0.1, "text": "?", "displayText": "!"});
        let form = Self::new(id).set("name", "Full").set("binaryQuestion", true).set("question", question);
        form.set("requiredMessageCount", 2).set("sendingFrequency", 1).set("hideAfter", 300)
    }
}

/// A world file.
#[derive(Clone, Default)]
pub struct World(Map<String, Value>);

impl World {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a row to its list.
    #[must_use]
    pub fn with<R: Row>(self, row: R) -> Self {
        self.with_all([row])
    }

    #[must_use]
    pub fn with_all<R: Row>(mut self, rows: impl IntoIterator<Item = R>) -> Self {
        let list = self.0.entry(R::LIST).or_insert_with(|| json!([]));
        list.as_array_mut().unwrap().extend(rows.into_iter().map(|row| row.row().clone()));
        self
    }

    /// Whether surveys may be sent.
    #[must_use]
    pub fn surveys(mut self, on: bool) -> Self {
        self.0.insert("settings".to_owned(), json!({ "surveysViaExternalApi": on }));
        self
    }
}

impl From<World> for Value {
    fn from(world: World) -> Self {
        Self::Object(world.0)
    }
}

impl Client {
    /// Creates or replaces a row.
    pub fn put<R: Row>(&mut self, row: &R) -> Response {
        let row = row.row();
        let response = self.call("PUT", &format!("/admin/{}/{}", R::LIST, row["id"]), Some(row));
        assert!(response.status < 300, "{response:?}");
        response
    }

    /// Switches the sending of surveys on or off.
    pub fn set_surveys(&mut self, on: bool) {
        let response = self.call("PATCH", "/admin/settings", Some(&json!({ "surveysViaExternalApi": on })));
        assert_eq!(response.status, 200, "{response:?}");
    }

    /// Advances the clock of a fake's world.
    pub fn advance_clock(&mut self, by: &str) {
        let response = self.call("PUT", "/admin/clock", Some(&json!({ "advance": by })));
        assert_eq!(response.status, 200, "{response:?}");
    }

    /// Stops the clock of a fake's world at that time.
    pub fn set_clock(&mut self, now: &str) {
        let response = self.call("PUT", "/admin/clock", Some(&json!({ "now": now })));
        assert_eq!(response.status, 200, "{response:?}");
    }
}
