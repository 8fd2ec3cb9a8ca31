//! The 50 intake fields: what a column of a spreadsheet, or a key of a flat record, can mean (iris-facts §7.2).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! intake_fields {
    ($($variant:ident = $name:literal, $path:literal;)+) => {
        /// An intake field. Named as in the published list; every one maps to one place of the OrderRequest.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum IntakeField { $(#[doc = concat!("`", $path, "`")] #[serde(rename = $name)] $variant,)+ }

        impl IntakeField {
            /// All fifty, in published order.
            pub const ALL: &'static [IntakeField] = &[$(IntakeField::$variant,)+];

            /// The published name, e.g. `PatientLocalId`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(IntakeField::$variant => $name,)+ }
            }

            /// Where its value goes in the OrderRequest, e.g. `Patient.LocalId`: the path used by issues.
            #[must_use]
            pub fn path(self) -> &'static str {
                match self { $(IntakeField::$variant => $path,)+ }
            }
        }
    };
}

intake_fields! {
    Version = "Version", "Version";
    ClientGuid = "ClientGuid", "ClientGuid";
    OrderControlCode = "OrderControlCode", "OrderControlCode";
    SiteLocalId = "SiteLocalId", "Site.LocalId";
    PatientLocalId = "PatientLocalId", "Patient.LocalId";
    PatientFirstName = "PatientFirstName", "Patient.Name.First";
    PatientLastName = "PatientLastName", "Patient.Name.Last";
    PatientDob = "PatientDob", "Patient.Dob";
    PatientBirthGender = "PatientBirthGender", "Patient.Genders";
    PatientIdentityGender = "PatientIdentityGender", "Patient.Genders";
    PatientPhone = "PatientPhone", "Patient.Phone";
    PatientAdditionalInfo = "PatientAdditionalInfo", "Patient.AdditionalInfo";
    DxCode = "DxCode", "Patient.DxCode";
    OrderLocalId = "OrderLocalId", "Order.LocalId";
    EvaluationType = "EvaluationType", "Order.EvaluationTypes";
    OrderScheduledTime = "OrderScheduledTime", "Order.ScheduledTime";
    OrderState = "OrderState", "Order.State";
    OrderAdditionalInfo = "OrderAdditionalInfo", "Order.AdditionalInfo";
    DepartmentId = "DepartmentId", "Order.DepartmentId";
    EncounterNumber = "EncounterNumber", "Order.EncounterNumber";
    CptCode = "CPTCode", "Order.CPTCode";
    SingleEyeOnly = "SingleEyeOnly", "Order.SingleEyeOnly";
    MissingEyeReason = "MissingEyeReason", "Order.MissingEyeReason";
    UserNameSubmitting = "UserNameSubmitting", "UserNameSubmitting";
    HealthPlanPrimaryCareProviderEmailAddress = "HealthPlanPrimaryCareProviderEmailAddress", "HealthPlan.PrimaryCareProvider.EmailAddress";
    OrderingProviderNpi = "OrderingProviderNPI", "OrderingProvider.NPI";
    OrderingProviderFirstName = "OrderingProviderFirstName", "OrderingProvider.Name.First";
    OrderingProviderLastName = "OrderingProviderLastName", "OrderingProvider.Name.Last";
    OrderingProviderEmail = "OrderingProviderEmail", "OrderingProvider.Email";
    ReferringProviderNpi = "ReferringProviderNPI", "ReferringProvider.NPI";
    ReferringProviderFirstName = "ReferringProviderFirstName", "ReferringProvider.Name.First";
    ReferringProviderLastName = "ReferringProviderLastName", "ReferringProvider.Name.Last";
    ReferringProviderEmail = "ReferringProviderEmail", "ReferringProvider.Email";
    CameraOperatorNpi = "CameraOperatorNPI", "CameraOperator.NPI";
    CameraOperatorFirstName = "CameraOperatorFirstName", "CameraOperator.Name.First";
    CameraOperatorLastName = "CameraOperatorLastName", "CameraOperator.Name.Last";
    CameraOperatorEmail = "CameraOperatorEmail", "CameraOperator.Email";
    CameraOperatorUserName = "CameraOperatorUserName", "CameraOperatorUserName";
    HealthPlanName = "HealthPlanName", "HealthPlan.Name";
    HealthPlanMemberId = "HealthPlanMemberId", "HealthPlan.MemberId";
    HealthPlanPayerName = "HealthPlanPayerName", "HealthPlan.HealthPlanPayerName";
    HealthPlanGroupName = "HealthPlanGroupName", "HealthPlan.GroupName";
    HealthPlanGroupNumber = "HealthPlanGroupNumber", "HealthPlan.GroupNumber";
    HealthPlanPolicyNumber = "HealthPlanPolicyNumber", "HealthPlan.PolicyNumber";
    HealthPlanEffectiveDate = "HealthPlanEffectiveDate", "HealthPlan.EffectiveDate";
    HealthPlanExpirationDate = "HealthPlanExpirationDate", "HealthPlan.ExpirationDate";
    HealthPlanPrimaryCareProviderNpi = "HealthPlanPrimaryCareProviderNPI", "HealthPlan.PrimaryCareProvider.NPI";
    HealthPlanPrimaryCareProviderFirst = "HealthPlanPrimaryCareProviderFirst", "HealthPlan.PrimaryCareProvider.Name.First";
    HealthPlanPrimaryCareProviderLast = "HealthPlanPrimaryCareProviderLast", "HealthPlan.PrimaryCareProvider.Name.Last";
    HealthPlanPrimaryCareProviderFaxNumber = "HealthPlanPrimaryCareProviderFaxNumber", "HealthPlan.PrimaryCareProvider.FaxNumber";
}

/// The form in which column names and keys are compared: lower case, without spaces, `_`, `-` and `.`, without the
/// `__c` that Salesforce appends to custom fields (design §4.1), and without the marks that forms put after a name:
/// `*`, `:`, `(required)`, `(optional)`.
#[must_use]
pub fn normalized_name(name: &str) -> String {
    let name = without_marks(name);
    let name = match name.len().checked_sub(3).and_then(|at| name.split_at_checked(at)) {
        Some((stem, suffix)) if suffix.eq_ignore_ascii_case("__c") => stem,
        _ => name,
    };
    name.chars().filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-' | '.')).flat_map(char::to_lowercase).collect()
}

/// The name without the marks after it, in any order and number.
fn without_marks(name: &str) -> &str {
    let mut name = name.trim();
    loop {
        let plain = name.trim_end_matches([':', '*']).trim_end();
        let plain = ["(required)", "(optional)"].into_iter().find_map(|mark| stripped(plain, mark)).unwrap_or(plain);
        // A name made only of marks stays as it is.
        if plain.len() == name.len() || plain.is_empty() {
            return name;
        }
        name = plain;
    }
}

/// The text before a mark of ASCII letters, in any case.
fn stripped<'n>(name: &'n str, mark: &str) -> Option<&'n str> {
    let (stem, end) = name.split_at_checked(name.len().checked_sub(mark.len())?)?;
    end.eq_ignore_ascii_case(mark).then(|| stem.trim_end())
}

#[cfg(test)]
mod tests {
    use super::normalized_name;

    #[test]
    fn names_are_compared_without_what_people_put_around_them() {
        for name in [
            "PatientDob",
            "patient dob",
            "Patient_DOB",
            "PATIENT-DOB",
            "Patient.Dob",
            "Patient_Dob__c",
            " Patient Dob * ",
            "Patient DOB:",
            "Patient DOB (required)",
            "Patient DOB (Required)*:",
        ] {
            assert_eq!(normalized_name(name), "patientdob", "{name}");
        }
        assert_eq!(normalized_name("*"), "*");
        assert_eq!(normalized_name("(required)"), "(required)");
        assert_eq!(normalized_name("Phone (home)"), "phone(home)");
    }
}
