import { execFile } from "node:child_process";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

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

/** Below the packages, so that the client finds its own. */
const FOLDER = fileURLToPath(new URL("../node_modules/.published/", import.meta.url));

/**
 * Sends an order with a checkout of the published client, unchanged, and gives the events it hears of within some seconds. It has no
 * license to be kept here; who has a checkout names it in IRIS_PUBLISHED_CLIENT.
 */
export async function runPublishedClient(checkout, caller, orderId) {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  cpSync(join(checkout, "dist"), join(FOLDER, "dist"), { recursive: true });
  writeFileSync(join(FOLDER, "package.json"), "{}");
  const { orders, events, results } = caller.published;
  const config = { ClientGuid: caller.clientGuid, ServiceBusConnectionStrings: { Orders: orders, Events: events, Results: results } };
  writeFileSync(join(FOLDER, "dist/functions/config.json"), JSON.stringify(config));
  const program = `
    const { OrderRequest, SendOrder, WaitEvents } = require("./dist/Iris.Public.js");
    const order = new OrderRequest(${JSON.stringify(caller.clientGuid)});
    order.Order.LocalId = ${JSON.stringify(orderId)};
    order.Site.LocalId = "HV-SEA";
    order.Patient.LocalId = "P-${orderId}";
    order.Patient.Name.First = "Tess";
    order.Patient.Name.Last = "Sample-Published";
    order.Patient.Dob = "12/1/1961";
    SendOrder(order).then(() => WaitEvents((event) => console.log("EVENT " + JSON.stringify(event)), 15));
  `;
  writeFileSync(join(FOLDER, "run.js"), program);
  const { stdout } = await promisify(execFile)(process.execPath, [join(FOLDER, "run.js")], { cwd: FOLDER });
  return stdout.split("\n").filter((line) => line.startsWith("EVENT ")).map((line) => JSON.parse(line.slice(6)));
}
