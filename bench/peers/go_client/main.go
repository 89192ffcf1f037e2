// Runs `true` on COUNT simulated nodes, AT_ONCE at a time, and prints its own CPU and wall time a node as JSON.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

func fail(why error) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(1)
}

func cpu() time.Duration {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func visit(address string, config *ssh.ClientConfig) error {
	client, err := ssh.Dial("tcp", address, config)
	if err != nil {
		return err
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	defer session.Close()
	return session.Run("true")
}

func main() {
	if len(os.Args) != 6 {
		fail(fmt.Errorf("usage: go_client PORT HOST_KEY IDENTITY COUNT AT_ONCE"))
	}
	count, _ := strconv.Atoi(os.Args[4])
	atOnce, _ := strconv.Atoi(os.Args[5])
	hostKey, _, _, _, err := ssh.ParseAuthorizedKey([]byte(os.Args[2]))
	if err != nil {
		fail(err)
	}
	text, err := os.ReadFile(os.Args[3])
	if err != nil {
		fail(err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		fail(err)
	}
	config := &ssh.ClientConfig{
		User:            "bench",
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback: ssh.FixedHostKey(hostKey),
		// As Loom prefers them.
		Config: ssh.Config{KeyExchanges: []string{"curve25519-sha256"}, Ciphers: []string{"aes128-gcm@openssh.com"}},
	}
	var failed int64
	var group sync.WaitGroup
	places := make(chan struct{}, atOnce)
	cpuBefore, before := cpu(), time.Now()
	for i := 1; i <= count; i++ {
		places <- struct{}{}
		group.Add(1)
		ip := net.IPv4(127, byte(8+i>>16), byte(i>>8), byte(i))
		go func(address string) {
			defer group.Done()
			if visit(address, config) != nil {
				atomic.AddInt64(&failed, 1)
			}
			<-places
		}(net.JoinHostPort(ip.String(), os.Args[1]))
	}
	group.Wait()
	each := float64(count)
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"cpu_us": float64((cpu() - cpuBefore).Nanoseconds()) / 1e3 / each, "wall_us": float64(time.Since(before).Nanoseconds()) / 1e3 / each,
		"wall_ms": float64(time.Since(before).Nanoseconds()) / 1e6, "not_ok": failed,
	})
}
