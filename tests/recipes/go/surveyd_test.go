// The helper of survey_test.go: it starts the fake once, and gives each test a world, which is a database of its own.
// It runs $SURVEYD or `surveyd`.

package survey

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

var url string

func TestMain(m *testing.M) {
	binary := os.Getenv("SURVEYD")
	if binary == "" {
		binary = "surveyd"
	}
	fake := exec.Command(binary, "fake", "--listen", "127.0.0.1:0", "--exit-on-stdin-close")
	fake.Stderr = os.Stderr
	stdin, _ := fake.StdinPipe() // the fake exits when this is closed, or when this process ends
	stdout, _ := fake.StdoutPipe()
	if err := fake.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "set SURVEYD to a binary of surveyd:", err)
		os.Exit(1)
	}
	ready, err := bufio.NewReader(stdout).ReadString('\n') // ready url=http://127.0.0.1:41235
	if err != nil {
		fmt.Fprintln(os.Stderr, "the fake did not start; its stderr says why")
		os.Exit(1)
	}
	url = strings.TrimPrefix(strings.TrimSpace(ready), "ready url=")
	code := m.Run()
	stdin.Close()
	fake.Wait()
	os.Exit(code)
}

type World struct {
	*testing.T
	name string
}

// NewWorld makes a world for a test. If the test fails, its log has the calls of the world, and why they were refused.
func NewWorld(t *testing.T) World {
	random := make([]byte, 16)
	rand.Read(random)
	world := World{t, hex.EncodeToString(random)}
	t.Cleanup(func() {
		if t.Failed() {
			report := world.admin("GET", "attempts", "", "text/plain")
			if report == "" {
				report = "nothing was asked in this world: does the code use its token, and its URL?"
			}
			t.Log(strings.TrimSpace(report))
		}
		world.Admin("DELETE", "world", "")
	})
	return world
}

// Token is for the code under test.
func (world World) Token() string { return "test-crm@" + world.name }

// Admin calls a route below /admin/ and returns its answer.
func (world World) Admin(method, path, body string) string {
	return world.admin(method, path, body, "application/json")
}

func (world World) admin(method, path, body, accept string) string {
	world.Helper()
	request, err := http.NewRequest(method, url+"/admin/"+path, strings.NewReader(body))
	if err != nil {
		world.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer test-admin@"+world.name)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		world.Fatal(err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	if response.StatusCode >= 300 {
		world.Fatalf("%s /admin/%s: %s", method, path, answer)
	}
	return string(answer)
}
