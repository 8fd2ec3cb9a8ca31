//! Messages as the published client libraries write them (iris-facts §2.10), with synthetic values.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use iris_model::OrderRequest;

/// The TypeScript client: numbers for codes, `""` and empty objects everywhere, version with a V; keys with the value 0
/// are dropped.
const TYPESCRIPT: &str = r#"{
  "Version": "V2.3.1",
  "ClientGuid": "5A3D1E70-0000-4000-8000-000000000001",
  "UserNameSubmitting": "",
  "OrderControlCode": 1,
  "Site": { "LocalId": "HV-SEA", "Name": "", "Address": { "Street1": "", "Street2": "", "City": "", "State": "", "Zip": "",
    "PostalCode": "", "Region": "", "Province": "", "Territory": "", "Country": "" } },
  "Camera": { "LocalId": "SAMPLE-CAM-001", "Name": "", "Location": "", "IPAddress": "", "MACAddress": "", "SerialNumber": "",
    "Manufacturer": "", "Model": "", "SoftwareVersion": "",
    "Images": [{ "LocalId": "I-1", "Taken": "2026-11-20T09:15:02.5310000+00:00",
      "AzureBlobStorage": { "Container": "harborview-images", "FileName": "i-1.jpg" },
      "Laterality": 1, "ParentLocalId": "", "GroupId": 0, "GroupOrdinal": 0 }] },
  "Order": { "EvaluationTypes": [1], "LocalId": "TS-1", "DepartmentId": "", "EncounterNumber": "", "StudyInstanceUniqueId": "",
    "CPTCode": "", "AdditionalInfo": "", "State": "", "SingleEyeOnly": false, "MissingEyeReason": "" },
  "Patient": { "LocalId": "TS-P-1", "Name": { "First": "Tess", "Last": "Sample-Typed", "Middle": "" }, "Dob": "12/1/1961",
    "Genders": [{ "Context": 2, "Value": 2 }, { "Context": 1, "Value": {} }],
    "Race": "", "Ethnicity": "", "PrimaryLanguage": "", "MaritalStatus": 4, "Email": "", "Phone": "206-555-0100",
    "Address": { "Street1": "1 Sample Street", "Street2": "", "City": "Seattle", "State": "WA", "Zip": "98101", "PostalCode": "",
      "Region": "", "Province": "", "Territory": "", "Country": "" },
    "AdditionalInfo": "", "DxCode": "E119" },
  "OrderingProvider": { "NPI": "", "Taxonomy": "", "Name": { "First": "", "Last": "", "Middle": "" }, "Email": "", "Degrees": "", "Associations": "" },
  "ReferringProvider": { "NPI": "", "Taxonomy": "", "Name": { "First": "", "Last": "", "Middle": "" }, "Email": "", "Degrees": "", "Associations": "" },
  "CameraOperator": { "NPI": "", "Taxonomy": "", "Name": { "First": "", "Last": "", "Middle": "" }, "Email": "", "Degrees": "", "Associations": "" },
  "CameraOperatorUserName": "",
  "HealthPlan": { "LocalId": "", "Name": "", "MemberId": "", "HealthPlanPayerName": "", "GroupName": "", "GroupNumber": "",
    "PolicyNumber": "", "EffectiveDate": "", "ExpirationDate": "",
    "PrimaryCareProvider": { "NPI": "", "Name": { "First": "", "Last": "", "Middle": "" }, "EmailAddress": "", "FaxNumber": "" } }
}"#;

/// The Go client: codes as strings, unset lists null, an unset time as `""`, a camera of images only, short addresses.
const GO: &str = r#"{
  "Version": "V2.3.1", "ClientGuid": "5a3d1e70-0000-4000-8000-000000000001", "UserNameSubmitting": "", "OrderControlCode": "NW",
  "Site": { "LocalId": "HV-SEA", "Name": "", "Address": { "Street": "", "City": "", "Zip": "" } },
  "Camera": { "Images": [{ "LocalId": "I-1", "DateTimeOffset": "2026-11-20T09:15:02-08:00",
    "AzureBlobStorage": { "Container": "harborview-images", "FileName": "i-1.dcm" }, "Laterality": "OS", "ImageContext": "Primary" }] },
  "Order": { "EvaluationTypes": ["DR"], "LocalId": "GO-1", "ScheduledTime": "", "CreatedTime": "", "DepartmentId": "",
    "EncounterNumber": "", "CPTCode": "", "AdditionalInfo": "", "State": "", "SingleEyeOnly": false, "MissingEyeReason": "" },
  "Patient": { "LocalId": "GO-P-1", "Name": { "First": "Gopal", "Last": "Sample-Struct", "Middle": "" }, "Dob": "1/1/2000",
    "Genders": [{ "Context": "BirthGender", "Gender": "M" }], "Race": "", "Ethnicity": "", "PrimaryLanguage": "", "MaritalStatus": "",
    "Email": "", "Phone": "", "Address": { "Street": "2 Sample Road", "City": "Boise", "Zip": "83702" }, "AdditionalInfo": "", "DxCode": "" },
  "OrderingProvider": { "NPI": "9000000015", "Taxonomy": "", "Name": { "First": "", "Last": "", "Middle": "" }, "Email": "", "Degrees": "", "Associations": "" },
  "ReferringProvider": { "NPI": "", "Taxonomy": "", "Name": {}, "Email": "", "Degrees": "", "Associations": "" },
  "CameraOperator": { "NPI": "", "Taxonomy": "", "Name": {}, "Email": "", "Degrees": "", "Associations": "" },
  "CameraOperatorUserName": "",
  "HealthPlan": { "LocalId": "", "Name": "", "MemberId": "", "HealthPlanPayerName": "", "GroupName": "", "GroupNumber": "", "PolicyNumber": "",
    "EffectiveDate": "", "ExpirationDate": "" }
}"#;

fn canonical(json: &str) -> serde_json::Value {
    let parsed = OrderRequest::parse(json.as_bytes()).unwrap();
    assert_eq!(parsed.issues, []);
    serde_json::from_str(&parsed.request.to_json()).unwrap()
}

#[test]
fn the_typescript_client() {
    insta::assert_json_snapshot!(canonical(TYPESCRIPT));
}

#[test]
fn the_go_client() {
    insta::assert_json_snapshot!(canonical(GO));
}
