// Package clients has the shape of the results that IRIS's published Go client reads (iris-cloud-direct-go): names and
// types of its fields, and nothing else of it. Where a field has no tag, the client has none.
package clients

// OrderResult is what its receiver decodes every message of the queue into.
type OrderResult struct {
	Version           string `json:"version"`
	Timestamp         string `json:"timestamp"`
	TransactionId     string `json:"transactionId"`
	ErrorMessage      string `json:"errorMessage"`
	ResultObjectType  string
	ResultCode        string         `json:"resultCode"`
	Site              Site           `json:"site"`
	ResultsDocument   Document       `json:"resultsDocument"`
	ImageDetails      ImageDetails   `json:"imageDetails"`
	Images            []Image        `json:"images"`
	Order             Order          `json:"order"`
	Patient           Patient        `json:"patient"`
	OrderingProvider  Provider       `json:"orderingProvider"`
	ReferringProvider Provider       `json:"referringProvider"`
	Gradings          Gradings       `json:"gradings"`
	CameraOperator    CameraOperator `json:"cameraOperator"`
	HealthPlan        HealthPlan     `json:"healthPlan"`
}

type Site struct {
	ClientId         int
	ClientName       string
	ClientTimeZone   string
	City             string
	State            string
	Zip              string
	Country          string
	PracticeGuid     string
	AreaCode         string
	PhoneNumber      string
	OrganizationId   int
	OrganizationName string
}

type Document struct {
	Type     string
	Encoding string
	Content  string
}

type ImageDetails struct {
	TotalCount            int
	RightEyeCount         int
	LeftEyeCount          int
	RightEyeOriginalCount int
	LeftEyeOriginalCount  int
	RightEyeEnhancedCount int
	LeftEyeEnhancedCount  int
	SingleEyeOnly         bool
}

type Image struct {
	LocalId       string
	Taken         string
	Received      string
	FileName      string
	ContainerName string
	OrderImageID  int
	Laterality    int
	ImageContext  string
	ParentLocalId string
	GroupId       int
	GroupOrdinal  int
	Camera        Camera
}

type Camera struct {
	LocalId         string
	Name            string
	Location        string
	IPAddress       string
	MACAddress      string
	SerialNumber    string
	Manufacturer    string
	Model           string
	SoftwareVersion string
}

type Order struct {
	PatientOrderId        int
	Status                string
	LocalId               string
	EvaluationTypes       []int
	ScheduledTime         string
	CreatedTime           string
	ServicedTime          string
	DepartmentId          string
	EncounterNumber       string
	StudyInstanceUniqueId string
	OrderableIdentifier   string
	AdditionalInfo        string
	State                 string
	SingleEyeOnly         bool
	MissingEyeReason      string
	Expedite              bool
}

type Patient struct {
	PatientId int
	LocalId   string
	Name      PersonName
	Dob       string
	Gender    int
	Genders   []PersonGender
	Phone     string
}

type PersonName struct {
	First  string
	Middle string
	Last   string
}

type PersonGender struct {
	Context string
	Gender  string
}

type Provider struct {
	NPI          string
	Taxonomy     string
	Name         PersonName
	Email        string
	Degrees      string
	Associations string
}

type Gradings struct {
	Notes               []Note
	GradedTime          string
	CarePlanName        string
	CarePlanDescription string
	Pathology           bool
	Urgent              bool
	OD                  EyeSideGrading
	OS                  EyeSideGrading
	DxCodes             []string
	DiagnosisCodes      []DiagnosisCode
	Provider            Provider
}

type Note struct {
	Date string
	Text string
}

type EyeSideGrading struct {
	Gradable          bool
	MissingEyeReason  string
	UngradableReasons []string
	Findings          []Finding
}

type Finding struct {
	Finding string
	Result  string
}

type DiagnosisCode struct {
	Code        string
	Description string
}

type CameraOperator struct {
	UserName string
	Name     PersonName
	Notes    []Note
}

type HealthPlan struct {
	LocalId             string
	Name                string
	MemberId            string
	HealthPlanPayerName string
	GroupName           string
	GroupNumber         string
	PolicyNumber        string
	EffectiveDate       string
	ExpirationDate      string
}
