//! Synthetic files of any size: the same for the same arguments.

use std::fmt::Write;

/// The 50 intake fields in published order (iris-facts §7.2).
pub(crate) fn header() -> Vec<&'static str> {
    iris_model::IntakeField::ALL.iter().map(|field| field.name()).collect()
}

/// One row: patient and order `number` of the series, filled like realistic files (about half of the optional cells).
pub(crate) fn row(series: &str, number: usize) -> Vec<String> {
    let site = ["HV-SEA", "HV-PDX", "HV-BOI"][number % 3];
    header()
        .into_iter()
        .map(|field| match field {
            "Version" => "2.3.1".to_owned(),
            "ClientGuid" => "5a3d1e70-0000-4000-8000-000000000001".to_owned(),
            "OrderControlCode" => "NW".to_owned(),
            "SiteLocalId" => site.to_owned(),
            "PatientLocalId" => format!("{series}-P{number:07}"),
            "PatientFirstName" => format!("Given{}", number % 977),
            "PatientLastName" => format!("Testpatient{number}"),
            "PatientDob" => format!("{}/{}/{}", number % 12 + 1, number % 28 + 1, 1930 + number % 70),
            "PatientBirthGender" => ["M", "F"][number % 2].to_owned(),
            "PatientPhone" => format!("206-555-01{:02}", number % 100),
            "DxCode" => ["E11.9", "E10.9", ""][number % 3].to_owned(),
            "OrderLocalId" => format!("{series}-O{number:07}"),
            "EvaluationType" => ["DR", "DR_AMD"][number % 2].to_owned(),
            "OrderScheduledTime" => format!("2026-12-{:02}T09:{:02}:00", number % 28 + 1, number % 60),
            "OrderState" => ["WA", "Oregon", "ID"][number % 3].to_owned(),
            "OrderingProviderFirstName" | "HealthPlanPrimaryCareProviderFirst" => "Sample".to_owned(),
            "OrderingProviderLastName" | "HealthPlanPrimaryCareProviderLast" => format!("Provider{}", number % 50),
            "OrderingProviderNPI" | "HealthPlanPrimaryCareProviderNPI" => "9000000007".to_owned(),
            "HealthPlanName" => "Harborview Health Plan (sample)".to_owned(),
            "HealthPlanMemberId" => format!("M{number:09}"),
            "HealthPlanGroupNumber" => format!("G{}", number % 40),
            "HealthPlanEffectiveDate" => "2026-01-01".to_owned(),
            "EncounterNumber" => format!("E{number}"),
            "CPTCode" => "92250".to_owned(),
            _ => String::new(),
        })
        .collect()
}

/// A CSV file of this many rows; every `broken`th row lacks its birth date (0 = none).
pub(crate) fn csv(series: &str, rows: usize, broken: usize) -> String {
    let mut text = header().join(",");
    text.push('\n');
    for number in 0..rows {
        let mut cells = row(series, number);
        if broken > 0 && number % broken == broken - 1 {
            cells[7].clear();
        }
        let _ = writeln!(text, "{}", cells.join(","));
    }
    text
}

/// An order as a partner posts it.
pub(crate) fn order(series: &str, number: usize) -> serde_json::Value {
    let site = ["HV-SEA", "HV-PDX", "HV-BOI"][number % 3];
    serde_json::json!({
        "Version": "2.3.1",
        "ClientGuid": "5a3d1e70-0000-4000-8000-000000000001",
        "OrderControlCode": "NW",
        "Site": { "LocalId": site },
        "Order": { "LocalId": format!("{series}-O{number}"), "EvaluationTypes": ["DR"] },
        "Patient": {
            "LocalId": format!("{series}-P{number}"),
            "Name": { "First": "Sample", "Last": format!("Testpatient{number}") },
            "Dob": "1961-12-01",
            "Genders": [{ "Context": "BirthGender", "Gender": "F" }],
        },
    })
}

/// An operation on an order that was posted.
pub(crate) fn operation(series: &str, number: usize, code: &str) -> serde_json::Value {
    serde_json::json!({
        "Version": "2.3.1",
        "ClientGuid": "5a3d1e70-0000-4000-8000-000000000001",
        "OrderControlCode": code,
        "Order": { "LocalId": format!("{series}-O{number}") },
    })
}
