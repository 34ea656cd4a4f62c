// Command probe is what the tests of the real node run in a pod: a server that tells who asks, and
// a client that asks as the pod's own service account.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

const account = "/var/run/secrets/kubernetes.io/serviceaccount/"

func main() {
	var err error
	switch {
	case len(os.Args) == 3 && os.Args[1] == "serve":
		err = serve(os.Args[2])
	case len(os.Args) == 3 && os.Args[1] == "get":
		err = get(os.Args[2])
	default:
		err = fmt.Errorf("usage: probe serve ADDRESS | probe get URL")
	}
	if err != nil {
		log.Fatal(err)
	}
}

// serve answers every request with the pod's name, and logs its path.
func serve(address string) error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	log.Printf("%s serves on %s", host, address)
	return http.ListenAndServe(address, http.HandlerFunc(func(answer http.ResponseWriter, asked *http.Request) {
		log.Printf("%s %s", asked.Method, asked.URL.Path)
		fmt.Fprintln(answer, host)
	}))
}

// get prints the status and the body of an answer; over TLS it shows the service account's token.
func get(url string) error {
	client := &http.Client{Timeout: 10 * time.Second}
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if strings.HasPrefix(url, "https:") {
		token, err := os.ReadFile(account + "token")
		if err != nil {
			return err
		}
		authority, err := os.ReadFile(account + "ca.crt")
		if err != nil {
			return err
		}
		trusted := x509.NewCertPool()
		trusted.AppendCertsFromPEM(authority)
		client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}
		request.Header.Set("Authorization", "Bearer "+string(token))
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	fmt.Println(answer.Status)
	_, err = io.Copy(os.Stdout, answer.Body)
	return err
}
