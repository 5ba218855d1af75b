//! The columns of each kind of row: the keys of the world file, and `question.text` for what is within `question`. An empty field
//! is no value.

use std::{
    num::{IntErrorKind, ParseIntError},
    str::FromStr,
};

use csv::ByteRecord;

use crate::{
    store::{directory::DirectoryRow, error::StoreError},
    survey::{
        gateway::{DeliveryUrl, SigningSecret},
        ids::{ChannelId, ClientId, FormId, ThreadId},
        model::{Channel, Client, Form, Question, Thread, ThreadStatus},
        time::Time,
    },
};

/// A kind of row that a CSV file can have.
pub(crate) trait Tabular: DirectoryRow {
    /// The possible columns; an export has the first [`Self::EXPORTED`], in this order.
    const COLUMNS_OF_FILE: &'static [&'static str];
    /// The columns that a file must have.
    const REQUIRED: &'static [&'static str];
    /// How many columns are exported.
    const EXPORTED: usize = Self::COLUMNS_OF_FILE.len();
    /// Copies to the database of a dry run (`main`) what [`DirectoryRow::write`] looks at in the file itself (`real`).
    const DRY_RUN_SETUP: &'static str;

    /// Errors: the column, and what it must be.
    fn from_fields(fields: &Fields<'_>) -> Result<Self, StoreError>;

    fn to_fields(&self) -> Vec<String>;
}

/// The fields of one row.
pub(crate) struct Fields<'a> {
    pub(super) record: &'a ByteRecord,
    /// The columns of the file, and the position of each.
    pub(super) positions: &'a [(&'static str, usize)],
}

impl Fields<'_> {
    fn text(&self, column: &'static str) -> Result<Option<&str>, StoreError> {
        let position = self.positions.iter().find(|(name, _)| *name == column);
        let bytes = position.and_then(|(_, position)| self.record.get(*position)).unwrap_or_default();
        let text = str::from_utf8(bytes).map_err(|_| StoreError::invalid(column, "is not UTF-8"))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    fn owned(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        Ok(self.text(column)?.map(str::to_owned))
    }

    fn parse<T: FromStr>(&self, column: &'static str, expected: &str) -> Result<Option<T>, StoreError> {
        let Some(text) = self.text(column)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| StoreError::invalid(column, format!("{text:?} is not {expected}")))
    }

    fn integer(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        let Some(text) = self.text(column)? else { return Ok(None) };
        text.parse().map(Some).map_err(|error: ParseIntError| {
            let problem = match error.kind() {
                IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => {
                    format!("{text:?} is out of range; it must be from {} to {}", i64::MIN, i64::MAX)
                }
                _ => format!("{text:?} is not a 64-bit integer"),
            };
            StoreError::invalid(column, problem)
        })
    }

    fn time(&self, column: &'static str) -> Result<Option<Time>, StoreError> {
        let time = self.text(column)?.map(str::parse);
        time.transpose().map_err(|error: String| StoreError::invalid(column, error))
    }
}

fn must<T>(column: &'static str, value: Option<T>) -> Result<T, StoreError> {
    value.ok_or_else(|| StoreError::invalid(column, "is missing"))
}

fn shown(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

impl Tabular for Channel {
    // The secret comes last: an import takes it, an export never has it.
    const COLUMNS_OF_FILE: &'static [&'static str] =
        &["id", "name", "type", "deliveryUrl", "deliveryOff", "deliverySecret"];
    const REQUIRED: &'static [&'static str] = &["id", "name", "type"];
    const EXPORTED: usize = 5;
    const DRY_RUN_SETUP: &'static str = "";

    fn from_fields(fields: &Fields<'_>) -> Result<Self, StoreError> {
        let url = fields.owned("deliveryUrl")?.map(DeliveryUrl::new);
        let secret = fields.text("deliverySecret")?.map(|text| {
            // Without the text itself, which may be most of a secret.
            let problem = "must be whsec_ and 24 to 64 bytes in base64";
            SigningSecret::parse(text).ok_or_else(|| StoreError::invalid("deliverySecret", problem))
        });
        Ok(Self {
            id: ChannelId(must("id", fields.integer("id")?)?),
            name: must("name", fields.owned("name")?)?,
            r#type: must("type", fields.owned("type")?)?,
            delivery_url: url.transpose().map_err(|problem| StoreError::invalid("deliveryUrl", problem))?,
            delivery_secret: secret.transpose()?,
            delivery_off: fields.owned("deliveryOff")?,
        })
    }

    fn to_fields(&self) -> Vec<String> {
        let Self { id, name, r#type, delivery_url, delivery_secret: _, delivery_off } = self;
        let url = delivery_url.as_ref().map(DeliveryUrl::as_str);
        vec![id.to_string(), name.clone(), r#type.clone(), shown(url), shown(delivery_off.as_ref())]
    }
}

impl Tabular for Client {
    const COLUMNS_OF_FILE: &'static [&'static str] = &["id", "externalId", "name", "phone"];
    const REQUIRED: &'static [&'static str] = &["id"];
    const DRY_RUN_SETUP: &'static str =
        "insert into main.client (id, external_id) select id, external_id from real.client order by id";

    fn from_fields(fields: &Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: ClientId(must("id", fields.integer("id")?)?),
            external_id: fields.owned("externalId")?,
            name: fields.owned("name")?,
            phone: fields.owned("phone")?,
        })
    }

    fn to_fields(&self) -> Vec<String> {
        let Self { id, external_id, name, phone } = self;
        vec![id.to_string(), shown(external_id.as_ref()), shown(name.as_ref()), shown(phone.as_ref())]
    }
}

impl Tabular for Thread {
    const COLUMNS_OF_FILE: &'static [&'static str] =
        &["id", "clientId", "channel", "status", "startTime", "stateChangeTime"];
    const REQUIRED: &'static [&'static str] = Self::COLUMNS_OF_FILE;
    const DRY_RUN_SETUP: &'static str =
        "insert into main.channel (id, name, type) select id, name, type from real.channel;
         insert into main.client (id) select id from real.client order by id";

    fn from_fields(fields: &Fields<'_>) -> Result<Self, StoreError> {
        let status = must("status", fields.text("status")?)?;
        Ok(Self {
            id: ThreadId(must("id", fields.integer("id")?)?),
            client_id: ClientId(must("clientId", fields.integer("clientId")?)?),
            channel: ChannelId(must("channel", fields.integer("channel")?)?),
            status: ThreadStatus::named(status).ok_or_else(|| {
                let all: Vec<_> = ThreadStatus::all().map(ThreadStatus::as_str).collect();
                StoreError::invalid("status", format!("{status:?} is none of {}", all.join(", ")))
            })?,
            start_time: must("startTime", fields.time("startTime")?)?,
            state_change_time: must("stateChangeTime", fields.time("stateChangeTime")?)?,
        })
    }

    fn to_fields(&self) -> Vec<String> {
        let Self { id, client_id, channel, status, start_time, state_change_time } = self;
        let (id, client, channel) = (id.to_string(), client_id.to_string(), channel.to_string());
        vec![id, client, channel, status.as_str().to_owned(), start_time.to_string(), state_change_time.to_string()]
    }
}

impl Tabular for Form {
    const COLUMNS_OF_FILE: &'static [&'static str] = &[
        "id",
        "name",
        "channels",
        "binaryQuestion",
        "question.minValue",
        "question.maxValue",
        "question.kpi",
        "question.text",
        "question.displayText",
        "requiredMessageCount",
        "sendingFrequency",
        "hideAfter",
    ];
    const REQUIRED: &'static [&'static str] = &["id", "name"];
    const DRY_RUN_SETUP: &'static str =
        "insert into main.channel (id, name, type) select id, name, type from real.channel";

    fn from_fields(fields: &Fields<'_>) -> Result<Self, StoreError> {
        let question = Question {
            min_value: fields.integer("question.minValue")?,
            max_value: fields.integer("question.maxValue")?,
            kpi: fields.parse("question.kpi", "a number")?,
            text: fields.owned("question.text")?,
            display_text: fields.owned("question.displayText")?,
        };
        // JSON has no other numbers: the form could never be shown again.
        if question.kpi.is_some_and(|kpi| !kpi.is_finite()) {
            return Err(StoreError::invalid("question.kpi", "must be finite"));
        }
        let channels = fields.text("channels")?.unwrap_or_default();
        let channels = channels.split([';', ' ']).filter(|id| !id.is_empty()).map(|id| id.parse().map(ChannelId));
        let expected = "must be ids of channels with ; between them, such as 1;2";
        Ok(Self {
            id: FormId(must("id", fields.integer("id")?)?),
            name: must("name", fields.owned("name")?)?,
            binary_question: fields.parse("binaryQuestion", "true or false")?,
            question: (question != Question::default()).then_some(question),
            required_message_count: fields.integer("requiredMessageCount")?,
            sending_frequency: fields.integer("sendingFrequency")?,
            hide_after: fields.integer("hideAfter")?,
            channels: channels.collect::<Result<_, _>>().map_err(|_| StoreError::invalid("channels", expected))?,
        })
    }

    fn to_fields(&self) -> Vec<String> {
        let none = Question::default();
        let Question { min_value, max_value, kpi, text, display_text } = self.question.as_ref().unwrap_or(&none);
        vec![
            self.id.to_string(),
            self.name.clone(),
            self.channels.iter().map(ToString::to_string).collect::<Vec<_>>().join(";"),
            shown(self.binary_question),
            shown(*min_value),
            shown(*max_value),
            shown(*kpi),
            shown(text.as_ref()),
            shown(display_text.as_ref()),
            shown(self.required_message_count),
            shown(self.sending_frequency),
            shown(self.hide_after),
        ]
    }
}
