package clients

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Names the folder with what an organization of each encoding received: results/{exam}.json and events/{number}.json,
// the bodies of the messages as they came.
const documents = "IRIS_DOCUMENTS"

// What the published types cannot hold, by the organization's setting. The client hands on nothing of a result in which
// there is any of it, and leaves the message in the queue.
var settings = map[string][]string{
	"code":     {"Images.Laterality", "Order.EvaluationTypes", "Patient.Gender"},
	"numeric":  {"Images.ImageContext", "Patient.Genders.Context", "Patient.Genders.Gender"},
	"goClient": nil,
}

// What the published types have and no result ever says: the client's record of a site is not the platform's.
var neverSaid = []string{
	"CameraOperator.Notes",
	"ErrorMessage",
	"Site.AreaCode",
	"Site.City",
	"Site.ClientId",
	"Site.ClientName",
	"Site.ClientTimeZone",
	"Site.Country",
	"Site.OrganizationId",
	"Site.OrganizationName",
	"Site.PhoneNumber",
	"Site.PracticeGuid",
	"Site.State",
	"Site.Zip",
}

// What the two exams have no occasion for: the eye that is missing is the left one, the other one cannot be graded.
var noOccasion = []string{"Gradings.OD.MissingEyeReason", "Gradings.OS.UngradableReasons"}

// The numbers of the published clients (iris-facts §3).
const (
	diabeticRetinopathy = 1
	left, right         = 0, 1
	female              = 2
)

func TestEachFieldArrivesAsItWasSent(t *testing.T) {
	for setting, expected := range settings {
		t.Run(setting, func(t *testing.T) {
			arrival := newArrival()
			for _, exam := range []string{"both-eyes", "one-eye"} {
				body := read(t, setting, "results", exam+".json")
				var result OrderResult
				err := json.Unmarshal(body, &result)
				var wrongType *json.UnmarshalTypeError
				if errors.As(err, &wrongType) != (len(expected) > 0) || (err != nil && wrongType == nil) {
					t.Fatalf("%s: %v", exam, err)
				}
				// What has another type does not keep Go from decoding the rest.
				arrival.add("", reflect.ValueOf(result), untyped(t, body))
			}
			same(t, "lost", sorted(arrival.lost), expected)
			same(t, "never said", arrival.neverSaid(), slices.Sorted(slices.Values(slices.Concat(neverSaid, noOccasion))))
		})
	}
}

func TestCodesAreTextAndNumbersAreNumbers(t *testing.T) {
	for setting, lost := range settings {
		t.Run(setting, func(t *testing.T) {
			result := decode(t, read(t, setting, "results", "both-eyes.json"))
			check := func(path string, got, expected any) {
				if !slices.Contains(lost, path) {
					same(t, path, got, expected)
				}
			}
			slices.SortFunc(result.Images, func(a, b Image) int { return strings.Compare(a.LocalId, b.LocalId) })
			var eyes []int
			var contexts []string
			for _, image := range result.Images {
				eyes, contexts = append(eyes, image.Laterality), append(contexts, image.ImageContext)
			}
			check("Order.EvaluationTypes", result.Order.EvaluationTypes, []int{diabeticRetinopathy})
			check("Images.Laterality", eyes, []int{left, right, right})
			check("Images.ImageContext", contexts, []string{"Primary", "Primary", "Enhancement"})
			check("Patient.Gender", result.Patient.Gender, female)
			birth, identity := PersonGender{"BirthGender", "F"}, PersonGender{"IdentityGender", "X"}
			check("Patient.Genders.Gender", result.Patient.Genders, []PersonGender{identity, birth})
		})
	}
}

// A code that has no number is null in goClient: the result is read all the same.
func TestWhatHasNoNumberReadsAsZero(t *testing.T) {
	body := `{"Order": {"EvaluationTypes": [1, null]}, "Images": [{"Laterality": null, "ImageContext": "Primary"}]}`
	var result OrderResult
	if err := json.Unmarshal([]byte(body), &result); err != nil {
		t.Fatal(err)
	}
	same(t, "EvaluationTypes", result.Order.EvaluationTypes, []int{diabeticRetinopathy, 0})
	same(t, "Images", result.Images, []Image{{ImageContext: "Primary"}})
}

func TestWhatWasFoundIsRead(t *testing.T) {
	for setting := range settings {
		t.Run(setting, func(t *testing.T) {
			both := decode(t, read(t, setting, "results", "both-eyes.json"))
			same(t, "kind", []string{both.ResultObjectType, both.Version, both.ResultCode, both.Order.Status},
				[]string{"OrderResult", "2.3.1", "F", "Complete"})
			same(t, "OD", both.Gradings.OD, EyeSideGrading{Gradable: true, Findings: []Finding{
				{"Diabetic Retinopathy", "Moderate"}, {"Macular Edema", "Positive"}, {"Suspected Cataract", ""},
			}})
			same(t, "OS", both.Gradings.OS, EyeSideGrading{Gradable: true, Findings: []Finding{
				{"Diabetic Retinopathy", "None"}, {"Macular Edema", "None"},
			}})
			same(t, "DxCodes", both.Gradings.DxCodes, []string{"E113311"})
			flags := []bool{both.Gradings.Pathology, both.Gradings.Urgent, both.Order.Expedite}
			same(t, "flags", flags, []bool{true, true, true})
			same(t, "counts", both.ImageDetails, ImageDetails{TotalCount: 3, RightEyeCount: 2, LeftEyeCount: 1,
				RightEyeOriginalCount: 1, LeftEyeOriginalCount: 1, RightEyeEnhancedCount: 1})
			one := decode(t, read(t, setting, "results", "one-eye.json"))
			same(t, "OD", one.Gradings.OD, EyeSideGrading{UngradableReasons: []string{"Blurry"}})
			same(t, "OS", one.Gradings.OS, EyeSideGrading{MissingEyeReason: "Enucleation"})
			same(t, "one eye", []bool{one.Order.SingleEyeOnly, one.ImageDetails.SingleEyeOnly}, []bool{true, true})
			for _, result := range []OrderResult{both, one} {
				report, err := base64.StdEncoding.DecodeString(result.ResultsDocument.Content)
				if err != nil || !bytes.HasPrefix(report, []byte("%PDF-")) {
					t.Errorf("%s: no report: %v", result.Order.LocalId, err)
				}
			}
		})
	}
}

// The published client hands events on as text; these are what a program makes of them.
type event struct {
	TransactionId, Timestamp, ResultObjectType, Version       string
	OrderLocalId, PatientLocalId, ImageLocalId                string
	IrisOrderId, IrisImageId                                  int
	Success                                                   bool
	ErrorMessage                                              string
	TimeDelivered, DeliveryType, Endpoint, TransmissionStatus string
}

func TestEventsAreTextThatSaysTheSameWithEachEncoding(t *testing.T) {
	for setting := range settings {
		t.Run(setting, func(t *testing.T) {
			kinds := map[string][]string{}
			ids := map[string]int{}
			arrival := newArrival()
			for _, path := range files(t, setting, "events") {
				text := string(read(t, setting, "events", path))
				var event event
				if err := json.Unmarshal([]byte(text), &event); err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				arrival.add("", reflect.ValueOf(event), untyped(t, []byte(text)))
				kinds[event.OrderLocalId] = append(kinds[event.OrderLocalId], event.ResultObjectType)
				ids[event.OrderLocalId] = event.IrisOrderId
			}
			same(t, "lost", sorted(arrival.lost), nil)
			same(t, "never said", arrival.neverSaid(), []string{"ErrorMessage"})
			end := []string{"ReadyForGradingEvent", "GradingReceipt", "OrderGradedEvent", "ResultsDeliveryReceipt"}
			for exam, images := range map[string]int{"both-eyes": 3, "one-eye": 1} {
				result := decode(t, read(t, setting, "results", exam+".json"))
				expected := append([]string{"OrderCreationReceipt"}, slices.Repeat([]string{"ImageReceipt"}, images)...)
				expected = append(expected, end...)
				slices.Sort(expected)
				came := kinds[result.Order.LocalId]
				slices.Sort(came)
				same(t, exam, came, expected)
				same(t, "IrisOrderId", result.Order.PatientOrderId, ids[result.Order.LocalId])
			}
		})
	}
}

// As much of a result as the published types hold.
func decode(t *testing.T, body []byte) OrderResult {
	t.Helper()
	var result OrderResult
	var wrongType *json.UnmarshalTypeError
	if err := json.Unmarshal(body, &result); err != nil && !errors.As(err, &wrongType) {
		t.Fatal(err)
	}
	return result
}

func untyped(t *testing.T, body []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		t.Fatal(err)
	}
	return document
}

func folder(t *testing.T) string {
	t.Helper()
	folder, isSet := os.LookupEnv(documents)
	if !isSet {
		t.Fatalf("%s names no folder; python/stories/test_go.py fills one", documents)
	}
	return folder
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(append([]string{folder(t)}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func files(t *testing.T, path ...string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(append([]string{folder(t)}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(entries))
	for index, entry := range entries {
		names[index] = entry.Name()
	}
	return names
}

func sorted(paths map[string]bool) []string {
	return slices.Sorted(maps.Keys(paths))
}

func same[T any](t *testing.T, what string, got, expected T) {
	t.Helper()
	if !reflect.DeepEqual(got, expected) {
		t.Errorf("%s: %#v instead of %#v", what, got, expected)
	}
}
