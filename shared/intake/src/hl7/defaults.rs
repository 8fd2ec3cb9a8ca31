//! The published places of an ORM^O01 (iris-facts §9.2).

use iris_model::IntakeField;
use iris_model::organization::ColumnRule;
use std::collections::BTreeMap;

/// Where each field is read from when an interface does not say. Alternatives (the MRN in PID-2 or PID-3, the provider
/// among several repetitions) come in order of preference: a repetition that says what it is comes before the first
/// one.
#[must_use]
pub fn defaults() -> BTreeMap<IntakeField, ColumnRule> {
    use IntakeField as F;
    let places: [(F, &[&str]); 17] = [
        (F::OrderControlCode, &["ORC-1"]),
        (F::SiteLocalId, &["PV1-3.1", "ORC-13.1"]),
        (F::PatientLocalId, &["PID-2[5=MRN].1", "PID-3[5=MRN].1", "PID-2.1", "PID-3.1"]),
        (F::PatientLastName, &["PID-5.1"]),
        (F::PatientFirstName, &["PID-5.2"]),
        (F::PatientDob, &["PID-7"]),
        (F::PatientBirthGender, &["PID-8"]),
        (F::EncounterNumber, &["PID-18.1"]),
        (F::OrderLocalId, &["ORC-2.1", "OBR-2.1"]),
        (F::OrderScheduledTime, &["ORC-9", "OBR-36", "OBR-27.4"]),
        (F::OrderingProviderNpi, &["ORC-12[13=NPI].1", "ORC-12[9=NPI].1", "ORC-12.1"]),
        (F::OrderingProviderLastName, &["ORC-12[13=NPI].2", "ORC-12[9=NPI].2", "ORC-12.2"]),
        (F::OrderingProviderFirstName, &["ORC-12[13=NPI].3", "ORC-12[9=NPI].3", "ORC-12.3"]),
        (F::DepartmentId, &["ORC-13.4"]),
        (F::CptCode, &["OBR-4.1"]),
        (F::DxCode, &["DG1-3.1"]),
        // Not carried by the standard mapping: what an order is for comes from the interface.
        (F::EvaluationType, &[]),
    ];
    let rule = |(field, places): (F, &[&str])| {
        let headers = places.iter().map(|place| (*place).to_owned()).collect();
        let default = (field == F::EvaluationType).then(|| "DR".to_owned());
        (field, ColumnRule { headers, default, ..ColumnRule::default() })
    };
    places.into_iter().map(rule).collect()
}
