package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// longestFile is up to how many bytes of a file are read: more than the largest sensor record
// repository, log or inventory has, and little enough for a device without end to do no harm.
const longestFile = 32 << 20

// openFile opens a file that the user has named.
func openFile(name string) (*os.File, error) {
	if name == "" {
		return nil, errors.New("the name of the file is empty")
	}
	return os.Open(name)
}

// readFile reads a file that the user has named.
func readFile(name string) ([]byte, error) {
	f, err := openFile(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, longestFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > longestFile {
		return nil, fmt.Errorf("%s: larger than the %d MB that are read of such a file", name,
			longestFile>>20)
	}
	return b, nil
}

// during calls f, which works on a file that may be a pipe with nobody at its other end, and does
// not wait for its end when ctx ends.
func during(ctx context.Context, f func() error) error {
	_, err := interruptible(ctx, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// fileProblem returns what is wrong with a file, without its name.
func fileProblem(err error) error {
	if path := new(fs.PathError); errors.As(err, &path) {
		return path.Err
	}
	return err
}
