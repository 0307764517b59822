package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// Conn is one kept-alive HTTP/1.1 connection of one client. It writes requests that were prepared as bytes and reads the answer
// into one buffer, because net/http's client would take more of the processor than some servers that it asks.
type Conn struct {
	address string
	conn    net.Conn
	reader  *bufio.Reader
	body    []byte
}

// Dial connects to host:port.
func Dial(address string) (*Conn, error) {
	c := &Conn{address: address}
	if err := c.open(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Conn) open() error {
	conn, err := net.Dial("tcp", c.address) //nolint:noctx // on loopback, for as long as the run
	if err != nil {
		return err
	}
	c.conn, c.reader = conn, bufio.NewReaderSize(conn, 4096)
	return nil
}

// Close closes the connection.
func (c *Conn) Close() error { return c.conn.Close() }

// Do sends a whole request and returns the status and the body, which is valid until the next call. After an error the next
// call connects anew.
func (c *Conn) Do(request []byte) (status int, body []byte, err error) {
	if c.conn == nil {
		if err := c.open(); err != nil {
			return 0, nil, err
		}
	}
	if status, body, err = c.exchange(request); err != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
	return status, body, err
}

var errAnswer = errors.New("load: this is no HTTP/1.1 answer")

func (c *Conn) exchange(request []byte) (int, []byte, error) {
	if _, err := c.conn.Write(request); err != nil {
		return 0, nil, err
	}
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 {
		return 0, nil, errAnswer
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return 0, nil, errAnswer
	}
	length := -1
	for {
		if line, err = c.reader.ReadSlice('\n'); err != nil {
			return 0, nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, nil, errAnswer
			}
		}
	}
	if length < 0 {
		err = c.chunks()
		return status, c.body, err
	}
	c.body = append(c.body[:0], make([]byte, length)...)
	_, err = io.ReadFull(c.reader, c.body)
	return status, c.body, err
}

// chunks reads a body of unknown length, which servers send for long answers.
func (c *Conn) chunks() error {
	c.body = c.body[:0]
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseUint(string(bytes.TrimRight(line, "\r\n")), 16, 31)
		if err != nil {
			return fmt.Errorf("%w: %w", errAnswer, err)
		}
		start := len(c.body)
		c.body = append(c.body, make([]byte, size+2)...)
		if _, err := io.ReadFull(c.reader, c.body[start:]); err != nil {
			return err
		}
		c.body = c.body[:start+int(size)]
		if size == 0 {
			return nil
		}
	}
}
