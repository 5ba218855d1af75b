//! Quality forms, and the channels that each is enabled for.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use crate::store::directory::{DirectoryRow, check_exists, must_exist, object, refuse_nul};
use crate::{
    store::{
        audit::{AuditEntry, Changed},
        authorized::{AccessError, AuthorizedStore},
        error::StoreError,
        transfer::anonymize::Pseudonyms,
    },
    survey::{
        ids::{ChannelId, FormId},
        model::{Channel, Form, MAX_QUESTION_TEXT_CHARS, Question},
    },
};

impl DirectoryRow for Form {
    const KIND: &'static str = "Form";
    const LIST: &'static str = "forms";
    const TABLE: &'static str = "form";
    const COLUMNS: &'static str = "id, name, binary_question, question_min_value, question_max_value, question_kpi, \
                                   question_text, question_display_text, required_message_count, sending_frequency, hide_after_s";

    fn id(&self) -> i64 {
        self.id.0
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let question = Question {
            min_value: row.get(3)?,
            max_value: row.get(4)?,
            kpi: row.get(5)?,
            text: row.get(6)?,
            display_text: row.get(7)?,
        };
        Ok(Self {
            id: FormId(row.get(0)?),
            name: row.get(1)?,
            binary_question: row.get(2)?,
            question: (question != Question::default()).then_some(question),
            required_message_count: row.get(8)?,
            sending_frequency: row.get(9)?,
            hide_after: row.get(10)?,
            channels: Vec::new(),
        })
    }

    fn load_relations(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut statement =
            connection.prepare_cached("select channel_id from form_channel where form_id = ?1 order by channel_id")?;
        self.channels = statement.query_map([self.id.0], |row| row.get(0).map(ChannelId))?.collect::<Result<_, _>>()?;
        Ok(())
    }

    fn write(&self, connection: &Connection) -> Result<(), StoreError> {
        let none = Question::default();
        let question = self.question.as_ref().unwrap_or(&none);
        let texts = [("question.text", &question.text), ("question.displayText", &question.display_text)];
        refuse_nul(&texts.map(|(field, text)| (field, text.as_ref())))?;
        refuse_nul(&[("name", Some(&self.name))])?;
        for (field, text) in texts {
            if text.as_ref().is_some_and(|text| text.chars().count() > MAX_QUESTION_TEXT_CHARS) {
                let problem = format!("must be at most {MAX_QUESTION_TEXT_CHARS} characters");
                return Err(StoreError::invalid(field, problem));
            }
        }
        // Checked before anything is written: a row that is refused has changed nothing.
        self.channels.iter().try_for_each(|channel| must_exist::<Channel>(connection, "channels", channel.0))?;
        connection
            .prepare_cached(
                "insert into form (id, name, binary_question, question_min_value, question_max_value, question_kpi,
                                   question_text, question_display_text, required_message_count, sending_frequency,
                                   hide_after_s)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                 on conflict (id) do update set
                     name = excluded.name, binary_question = excluded.binary_question,
                     question_min_value = excluded.question_min_value, question_max_value = excluded.question_max_value,
                     question_kpi = excluded.question_kpi, question_text = excluded.question_text,
                     question_display_text = excluded.question_display_text,
                     required_message_count = excluded.required_message_count,
                     sending_frequency = excluded.sending_frequency, hide_after_s = excluded.hide_after_s",
            )?
            .execute(params![
                self.id.0,
                self.name,
                self.binary_question,
                question.min_value,
                question.max_value,
                question.kpi,
                question.text,
                question.display_text,
                self.required_message_count,
                self.sending_frequency,
                self.hide_after
            ])?;
        connection.prepare_cached("delete from form_channel where form_id = ?1")?.execute([self.id.0])?;
        self.channels.iter().try_for_each(|&channel| insert_enablement(connection, self.id, channel).map(|_| ()))
    }

    /// The question stays: tests are about it, and every client has seen it.
    fn anonymize(&mut self, _names: &Pseudonyms) {
        self.name = Pseudonyms::name(Self::KIND, self.id);
    }

    /// The form's enablement is deleted with it; sends keep its id as history.
    fn needed_by(_connection: &Connection, _id: i64) -> rusqlite::Result<Option<String>> {
        Ok(None)
    }
}

fn enable(connection: &Connection, form: FormId, channel: ChannelId) -> Result<Changed<()>, StoreError> {
    check_both_exist(connection, form, channel)?;
    let inserted = insert_enablement(connection, form, channel)?;
    change_of_enablement(form, channel, !inserted, true)
}

/// Returns whether the form was not enabled there before.
fn insert_enablement(connection: &Connection, form: FormId, channel: ChannelId) -> Result<bool, StoreError> {
    must_exist::<Channel>(connection, "channels", channel.0)?;
    let sql = "insert into form_channel (form_id, channel_id) values (?1, ?2) on conflict do nothing";
    Ok(connection.prepare_cached(sql)?.execute([form.0, channel.0])? > 0)
}

fn disable(connection: &Connection, form: FormId, channel: ChannelId) -> Result<Changed<()>, StoreError> {
    check_both_exist(connection, form, channel)?;
    let sql = "delete from form_channel where form_id = ?1 and channel_id = ?2";
    let deleted = connection.prepare_cached(sql)?.execute([form.0, channel.0])? > 0;
    change_of_enablement(form, channel, deleted, false)
}

fn check_both_exist(connection: &Connection, form: FormId, channel: ChannelId) -> Result<(), StoreError> {
    check_exists::<Form>(connection, form.0)?;
    check_exists::<Channel>(connection, channel.0)
}

/// The audit entry: `{"enabled":false}` became `{"enabled":true}`, or the other way round.
fn change_of_enablement(form: FormId, channel: ChannelId, was: bool, is: bool) -> Result<Changed<()>, StoreError> {
    #[derive(Serialize)]
    struct Enablement {
        enabled: bool,
    }
    let object = format!("{}/channels/{channel}", object::<Form>(form.0));
    let (was, is) = (Enablement { enabled: was }, Enablement { enabled: is });
    Ok(Changed::audited((), AuditEntry::of_row(object, Some(&was), Some(&is))?))
}

/// The id of a form that is created without one: the next after the greatest in the lower half of all ids. Callers may
/// choose ids, and one who chooses a very great id must not use up all others. Above the lower half it is the first that
/// is free.
fn next_id(connection: &Connection) -> Result<i64, StoreError> {
    const HALF: i64 = i64::MAX / 2;
    let greatest = "select coalesce(max(id), 0) from form where id between 0 and ?1";
    let greatest: i64 = connection.query_row(greatest, [HALF], |row| row.get(0))?;
    if greatest < HALF {
        return Ok(greatest + 1);
    }
    let first_free = "select id + 1 from form where id >= ?1 and id < 9223372036854775807
                         and not exists (select 1 from form other where other.id = form.id + 1) order by id limit 1";
    let first_free = connection.query_row(first_free, [HALF], |row| row.get(0)).optional()?;
    first_free.ok_or_else(|| StoreError::Internal("half of all ids are forms".to_owned()))
}

fn put_by_question(connection: &Connection, id: Option<i64>, form: Form) -> Result<Changed<Form>, StoreError> {
    let id = match id {
        Some(id) => id,
        None => next_id(connection)?,
    };
    let mut form = Form { id: FormId(id), ..form };
    if let Some(stored) = super::get::<Form>(connection, id)? {
        (form.name, form.channels) = (stored.name, stored.channels);
    } else {
        let question = form.question.as_ref();
        let title = question.and_then(|question| question.display_text.as_ref().or(question.text.as_ref()));
        let title: String = title.map_or_else(String::new, |title| title.chars().take(255).collect());
        form.name = if title.is_empty() { format!("Quality form {id}") } else { title };
    }
    Ok(super::put(connection, &form)?.map(|(form, _)| form))
}

impl AuthorizedStore {
    /// Enables a form for a channel; it may be enabled there already.
    ///
    /// Errors: there is no such form or channel.
    pub(crate) async fn enable_form(&self, form: FormId, channel: ChannelId) -> Result<(), AccessError> {
        self.change(move |connection, _| enable(connection, form, channel)).await
    }

    /// Disables a form for a channel; it may be disabled there already.
    ///
    /// Errors: there is no such form or channel.
    pub(crate) async fn disable_form(&self, form: FormId, channel: ChannelId) -> Result<(), AccessError> {
        self.change(move |connection, _| disable(connection, form, channel)).await
    }

    /// Puts a form as the vendor's call has it, without a name and channels: those of a stored form stay. A new form is named
    /// after the display text of its question. Without an id it gets the next one. Returns the form as it is stored.
    pub(crate) async fn put_form_by_question(&self, id: Option<i64>, form: Form) -> Result<Form, AccessError> {
        self.change(move |connection, _| put_by_question(connection, id, form)).await
    }
}
