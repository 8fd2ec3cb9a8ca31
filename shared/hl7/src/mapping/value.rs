//! The values that instructions can name: a closed list.

use super::content::{Content, Environment, Status};
use jiff::Timestamp;
use jiff::civil::Date;
use std::borrow::Cow;

/// A value before it is turned into text.
#[derive(Debug, Clone)]
pub(super) enum Datum<'c> {
    Text(Cow<'c, str>),
    Time(Option<Timestamp>),
    Date(Option<Date>),
}

/// The kind of a value, whatever the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Text,
    Time,
    Date,
}

fn text(text: &str) -> Datum<'_> {
    Datum::Text(Cow::Borrowed(text))
}

/// Declares the values: variant, name, kind, and where in the content it is.
macro_rules! values {
    ($($variant:ident $name:literal $sort:ident |$content:ident| $value:expr;)+) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Path { $($variant,)+ }

        impl Path {
            pub(super) fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }

            pub(super) fn sort(self) -> Sort {
                match self { $(Self::$variant => Sort::$sort,)+ }
            }

            pub(super) fn of<'c>(self, content: &'c Content) -> Datum<'c> {
                match self { $(Self::$variant => { let $content = content; $value })+ }
            }
        }
    };
}

values! {
    SendingApplication "interface.sendingApplication" Text |c| text(&c.names.sending_application);
    SendingFacility "interface.sendingFacility" Text |c| text(&c.names.sending_facility);
    ReceivingApplication "interface.receivingApplication" Text |c| text(&c.names.receiving_application);
    ReceivingFacility "interface.receivingFacility" Text |c| text(&c.names.receiving_facility);
    Now "now" Time |c| Datum::Time(Some(c.now));
    Control "control" Text |c| text(&c.control_id);
    EnvironmentCode "environment" Text |c| text(match c.environment { Environment::Production => "P", Environment::Test => "T" });
    Mrn "patient.mrn" Text |c| text(&c.patient.mrn);
    Last "patient.last" Text |c| text(&c.patient.last);
    First "patient.first" Text |c| text(&c.patient.first);
    Middle "patient.middle" Text |c| text(&c.patient.middle);
    Dob "patient.dob" Date |c| Datum::Date(c.patient.dob);
    Sex "patient.sex" Text |c| text(&c.patient.sex);
    Placer "order.placer" Text |c| text(&c.order.placer);
    Iris "order.iris" Text |c| text(&c.order.iris);
    Encounter "order.encounter" Text |c| text(&c.order.encounter);
    Department "order.departmentId" Text |c| text(&c.order.department);
    ProcedureCode "order.procedure.code" Text |c| text(&c.order.procedure.code);
    ProcedureText "order.procedure.text" Text |c| text(&c.order.procedure.text);
    ProcedureSystem "order.procedure.system" Text |c| text(&c.order.procedure.system);
    ProcedureAlternate "order.procedure.alternate" Text |c| text(&c.order.procedure.alternate);
    SiteId "site.id" Text |c| text(&c.site.id);
    SiteName "site.name" Text |c| text(&c.site.name);
    OrderingNpi "ordering.npi" Text |c| text(&c.ordering.npi);
    OrderingLast "ordering.last" Text |c| text(&c.ordering.last);
    OrderingFirst "ordering.first" Text |c| text(&c.ordering.first);
    OrderingPrefix "ordering.prefix" Text |c| text(&c.ordering.prefix);
    OrderingSuffix "ordering.suffix" Text |c| text(&c.ordering.suffix);
    OrderingCredential "ordering.credential" Text |c| text(&c.ordering.credential);
    OrderingTaxonomy "ordering.taxonomy" Text |c| text(&c.ordering.taxonomy);
    OrderingDisplay "ordering.display" Text |c| text(&c.ordering.display);
    GraderNpi "grader.npi" Text |c| text(&c.grader.npi);
    GraderLast "grader.last" Text |c| text(&c.grader.last);
    GraderFirst "grader.first" Text |c| text(&c.grader.first);
    GraderPrefix "grader.prefix" Text |c| text(&c.grader.prefix);
    GraderSuffix "grader.suffix" Text |c| text(&c.grader.suffix);
    GraderCredential "grader.credential" Text |c| text(&c.grader.credential);
    GraderTaxonomy "grader.taxonomy" Text |c| text(&c.grader.taxonomy);
    GraderDisplay "grader.display" Text |c| text(&c.grader.display);
    Captured "exam.captured" Time |c| Datum::Time(c.captured);
    Graded "graded" Time |c| Datum::Time(c.graded);
    ResultStatus "status" Text |c| text(match c.status { Status::Final => "F", Status::Corrected => "C" });
    SeverityValue "severity.value" Text |c| text(c.severity.as_ref().map_or("", |severity| &severity.value));
    SeverityFlag "severity.flag" Text |c| text(c.severity.as_ref().map_or("", |severity| &severity.flag));
    Narrative "narrative" Text |c| Datum::Text(Cow::Owned(c.lines.join("\n")));
    Pdf "report.pdf" Text |c| text(&c.report.pdf);
    Url "report.url" Text |c| text(&c.report.url);
    Document "document.guid" Text |c| text(&c.document);
    ChargeCode "charge.code" Text |c| text(&c.charge.code);
    ChargeText "charge.text" Text |c| text(&c.charge.text);
    TechnicalCode "technical.code" Text |c| text(&c.technical.code);
    TechnicalText "technical.text" Text |c| text(&c.technical.text);
    Quality "quality" Text |c| text(if c.quality.is_some() { "applies" } else { "" });
}

/// Lists that segments and repetitions are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    Diagnoses,
    Findings,
    Lines,
    Images,
    ChargeModifiers,
    TechnicalModifiers,
    QualityModifiers,
}

/// A part of a list's item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Itself,
    Number,
    Code,
    Text,
    Identifier,
    /// The identifier of a finding about the eye.
    Eyes,
    /// The identifier of a finding about images.
    Quality,
    Value,
    Flag,
    Eye,
}

impl List {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "diagnoses" => Self::Diagnoses,
            "findings" => Self::Findings,
            "lines" => Self::Lines,
            "images" => Self::Images,
            "charge.modifiers" => Self::ChargeModifiers,
            "technical.modifiers" => Self::TechnicalModifiers,
            "quality.modifiers" => Self::QualityModifiers,
            _ => return None,
        })
    }

    /// The part of its items with this name.
    pub(super) fn part(self, name: &str) -> Option<Part> {
        let part = match name {
            "it" => Part::Itself,
            "it.number" => return Some(Part::Number),
            "it.code" => Part::Code,
            "it.text" => Part::Text,
            "it.identifier" => Part::Identifier,
            "it.identifier.finding" => Part::Eyes,
            "it.identifier.quality" => Part::Quality,
            "it.value" => Part::Value,
            "it.flag" => Part::Flag,
            "it.eye" => Part::Eye,
            _ => return None,
        };
        let has = match self {
            Self::Diagnoses => matches!(part, Part::Code | Part::Text),
            Self::Findings => {
                matches!(part, Part::Identifier | Part::Eyes | Part::Quality | Part::Value | Part::Flag)
            }
            Self::Lines => matches!(part, Part::Text),
            Self::Images => matches!(part, Part::Code | Part::Eye),
            Self::ChargeModifiers | Self::TechnicalModifiers | Self::QualityModifiers => part == Part::Itself,
        };
        has.then_some(part)
    }

    pub(super) fn len(self, content: &Content) -> usize {
        match self {
            Self::Diagnoses => content.diagnoses.len(),
            Self::Findings => content.findings.len(),
            Self::Lines => content.lines.len(),
            Self::Images => content.images.len(),
            Self::ChargeModifiers => content.charge.modifiers.len(),
            Self::TechnicalModifiers => content.technical.modifiers.len(),
            Self::QualityModifiers => content.quality.as_ref().map_or(0, Vec::len),
        }
    }

    /// A part of the item at `index`, from 0.
    pub(super) fn item(self, content: &Content, index: usize, part: Part) -> Cow<'_, str> {
        if part == Part::Number {
            return Cow::Owned((index + 1).to_string());
        }
        let found = match self {
            Self::Diagnoses => content.diagnoses.get(index).map(|diagnosis| match part {
                Part::Code => diagnosis.code.as_str(),
                _ => &diagnosis.text,
            }),
            Self::Findings => content.findings.get(index).map(|finding| match part {
                Part::Eyes if finding.quality => "",
                Part::Quality if !finding.quality => "",
                Part::Value => &finding.value,
                Part::Flag => &finding.flag,
                _ => &finding.identifier,
            }),
            Self::Lines => content.lines.get(index).map(String::as_str),
            Self::Images => content.images.get(index).map(|image| match part {
                Part::Eye => image.eye.as_str(),
                _ => &image.id,
            }),
            Self::ChargeModifiers => content.charge.modifiers.get(index).copied(),
            Self::TechnicalModifiers => content.technical.modifiers.get(index).copied(),
            Self::QualityModifiers => content.quality.as_ref().and_then(|modifiers| modifiers.get(index).copied()),
        };
        Cow::Borrowed(found.unwrap_or_default())
    }
}
