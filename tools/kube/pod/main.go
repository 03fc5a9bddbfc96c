// Command pod is the one program of the image that tests run on a real node.
//
//	pod         does nothing until it is asked to end: the container that holds a pod's namespaces
//	pod serve   prints what the kernel allows it and whether its root can be written to, then answers HTTP on port 8080
//	pod relay ADDRESS
//	            hands every connection to port 3000 to an address
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"syscall"
)

func main() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		serve()
	}
	if len(os.Args) > 2 && os.Args[1] == "relay" {
		go relay(os.Args[2])
	}
	<-ended
}

func relay(address string) {
	listener, err := net.Listen("tcp", ":3000")
	for err == nil {
		var client, server net.Conn
		if client, err = listener.Accept(); err != nil {
			break
		}
		if server, err = net.Dial("tcp", address); err != nil {
			break
		}
		for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
			go func() {
				io.Copy(pair[0], pair[1])
				pair[0].Close()
			}()
		}
	}
	fmt.Println(err)
	os.Exit(1)
}

func serve() {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for _, line := range regexp.MustCompile(`(?m)^(Uid|CapBnd|NoNewPrivs|Seccomp):.*$`).FindAllString(string(status), -1) {
		fmt.Println(line)
	}
	fmt.Println("write to /:", os.WriteFile("/file", nil, 0o600))
	fmt.Println("write to /tmp:", os.WriteFile("/tmp/file", nil, 0o600))
	go func() {
		http.HandleFunc("/ready", func(http.ResponseWriter, *http.Request) {})
		fmt.Println(http.ListenAndServe(":8080", nil))
		os.Exit(1)
	}()
}
