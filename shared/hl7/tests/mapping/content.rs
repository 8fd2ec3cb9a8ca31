//! A result of a synthetic patient, modeled on the published examples.

use iris_hl7::Version;
use iris_hl7::mapping::{
    Billed, Content, Diagnosis, Environment, Finding, Names, Order, Patient, Procedure, Provider, Report, Severity,
    Site, Status, Ungradable, modifiers,
};

fn finding(identifier: &str, value: &str, flag: &str) -> Finding {
    let quality = identifier.ends_with("QUALAPP");
    Finding { identifier: identifier.to_owned(), value: value.to_owned(), flag: flag.to_owned(), quality }
}

fn provider(npi: &str, last: &str, first: &str) -> Provider {
    Provider {
        npi: npi.to_owned(),
        last: last.to_owned(),
        first: first.to_owned(),
        credential: "MD".to_owned(),
        display: format!("{first} {last}, MD, NPI {npi}"),
        ..Provider::default()
    }
}

fn billed(code: &str, component: &'static str) -> Billed {
    Billed {
        code: code.to_owned(),
        text: "Fundus photography".to_owned(),
        modifiers: modifiers(Some(component), Ungradable::Some),
    }
}

pub(crate) fn content() -> Content {
    Content {
        names: Names {
            sending_application: "IRIS".to_owned(),
            sending_facility: "IRIS".to_owned(),
            receiving_application: "EMR".to_owned(),
            receiving_facility: "HARBORVIEW".to_owned(),
        },
        now: "2026-11-30T09:15:00Z".parse().unwrap(),
        zone: jiff::tz::TimeZone::UTC,
        control_id: "26113009150000042".to_owned(),
        environment: Environment::Test,
        version: Version::V2_4,
        patient: Patient {
            mrn: "SYN-1001".to_owned(),
            last: "Sample".to_owned(),
            first: "Pat".to_owned(),
            middle: String::new(),
            dob: Some(jiff::civil::date(1970, 2, 3)),
            sex: "F".to_owned(),
        },
        order: Order {
            placer: "ORD-77".to_owned(),
            iris: "900000001".to_owned(),
            encounter: "CSN-5".to_owned(),
            department: "D-9".to_owned(),
            procedure: Procedure {
                code: "92250".to_owned(),
                text: "Retinal exam".to_owned(),
                system: "EAP".to_owned(),
                alternate: String::new(),
            },
        },
        site: Site { id: "HV-01".to_owned(), name: "Harborview Main".to_owned() },
        ordering: provider("1999999992", "Orderer", "Olive"),
        grader: provider("1999999984", "Grader", "Gus"),
        captured: "2026-11-30T08:00:00Z".parse().ok(),
        graded: "2026-11-30T09:00:00Z".parse().ok(),
        status: Status::Final,
        severity: Some(Severity { value: "ABNORMAL".to_owned(), flag: "A".to_owned() }),
        diagnoses: vec![
            Diagnosis { code: "E11.9".to_owned(), text: "Type 2 diabetes mellitus".to_owned() },
            Diagnosis { code: "E113291".to_owned(), text: "Type 2 diabetes, mild NPDR, right eye".to_owned() },
        ],
        findings: vec![
            finding("RIGHTDIABRETIN", "Mild", "A"),
            finding("RIGHTMACEDEMA", "None", ""),
            finding("RIGHTOTHERRETIN", "Drusen,Nevus", "AA"),
            finding("RIGHTQUALAPP", "Gradable Image", ""),
            finding("LEFTDIABRETIN", "None", ""),
            finding("LEFTMACEDEMA", "None", ""),
            finding("LEFTOTHERRETIN", "None", ""),
            finding("LEFTQUALAPP", "Gradable Image", ""),
        ],
        lines: vec!["Result for Pat Sample".to_owned(), String::new(), "R & L eye: see | below".to_owned()],
        images: Vec::new(),
        report: Report { pdf: "JVBERi0xLjcK".to_owned(), url: "https://example.invalid/r?id=1&asPdf=True".to_owned() },
        document: "00000000-0000-4000-8000-000000000042".to_owned(),
        charge: billed("92250", "26"),
        technical: billed("92000035", "TC"),
        quality: Some(Vec::new()),
    }
}
