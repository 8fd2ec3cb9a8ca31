/**
 * A message as IRIS's published TypeScript client writes it: an object as body, numbers for codes, "V2.3.1", and `""` or an empty
 * object for everything that was not set. Keys whose code is 0 are dropped by its constructors.
 */
export function publishedClientOrder(clientGuid, orderId) {
  const address = () => ({
    Street1: "", Street2: "", City: "", State: "", Zip: "", PostalCode: "", Region: "", Province: "", Territory: "", Country: "",
  });
  const person = () => ({ First: "", Last: "", Middle: "" });
  const provider = () => ({ NPI: "", Taxonomy: "", Name: person(), Email: "", Degrees: "", Associations: "" });
  return {
    Version: "V2.3.1",
    ClientGuid: clientGuid.toUpperCase(),
    UserNameSubmitting: "",
    OrderControlCode: 1,
    Site: { LocalId: "HV-SEA", Name: "", Address: address() },
    Camera: {
      LocalId: "", Name: "", Location: "", IPAddress: "", MACAddress: "", SerialNumber: "", Manufacturer: "", Model: "",
      SoftwareVersion: "", Images: [],
    },
    Order: {
      EvaluationTypes: [1], LocalId: orderId, DepartmentId: "", EncounterNumber: "", StudyInstanceUniqueId: "", CPTCode: "",
      AdditionalInfo: "", State: "", SingleEyeOnly: false, MissingEyeReason: "",
    },
    Patient: {
      LocalId: `P-${orderId}`, Name: { First: "Tess", Last: "Sample-Typed", Middle: "" }, Dob: "12/1/1961",
      Genders: [{ Context: 2, Value: 1 }], Race: "", Ethnicity: "", PrimaryLanguage: "", MaritalStatus: 4, Email: "",
      Phone: "206-555-0100", Address: address(), AdditionalInfo: "", DxCode: "E119",
    },
    OrderingProvider: provider(),
    ReferringProvider: provider(),
    CameraOperator: provider(),
    CameraOperatorUserName: "",
    HealthPlan: {
      LocalId: "", Name: "", MemberId: "", HealthPlanPayerName: "", GroupName: "", GroupNumber: "", PolicyNumber: "", EffectiveDate: "",
      ExpirationDate: "", PrimaryCareProvider: { NPI: "", Name: person(), EmailAddress: "", FaxNumber: "" },
    },
  };
}
