// A test suite in Go that uses the fake, without modules.
//
//	cd tests/recipes/go && SURVEYD=../../../target/debug/surveyd go test

package survey

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// sendSurvey is the code under test: it sends a form to a client.
func sendSurvey(url, token string, clientID, formID int64) error {
	body := fmt.Sprintf(`{"clientId":{"type":"internalClientId","id":%d},"qualityFormId":%d}`, clientID, formID)
	request, err := http.NewRequest("POST", url+"/api/v1/quality/send", strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if answer, _ := io.ReadAll(response.Body); response.StatusCode != 200 {
		return fmt.Errorf("%d %s", response.StatusCode, answer)
	}
	return nil
}

type send struct{ ClientID, QualityFormID int64 }

func sends(world World, query string) (sends []send) {
	if err := json.Unmarshal([]byte(world.Admin("GET", "sends?"+query, "")), &sends); err != nil {
		world.Fatal(err)
	}
	return sends
}

func TestTheClientGetsTheForm(t *testing.T) {
	t.Parallel()
	world := NewWorld(t)
	if err := sendSurvey(url, world.Token(), 1, 1); err != nil {
		t.Fatal(err)
	}
	if sends := sends(world, ""); len(sends) != 1 || sends[0] != (send{1, 1}) {
		t.Error(sends)
	}
}

func TestARefusalCanBeExplained(t *testing.T) {
	t.Parallel()
	world := NewWorld(t)
	err := sendSurvey(url, world.Token(), 2, 1)
	if err == nil || !strings.Contains(err.Error(), "Client has open thread") {
		t.Error(err)
	}
	attempts := world.Admin("GET", "attempts?client=2", "")
	if !strings.Contains(attempts, `{"rule":"noOpenThread","state":"failed","row":"/admin/threads/3"}`) {
		t.Error(attempts)
	}
}

func TestASendCanBeWaitedFor(t *testing.T) {
	t.Parallel()
	world := NewWorld(t)
	sent := make(chan error, 1)
	go func() { sent <- sendSurvey(url, world.Token(), 1, 1) }()
	if sends := sends(world, "wait=5s&count=1"); len(sends) != 1 {
		t.Error("no send in 5 s")
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}
