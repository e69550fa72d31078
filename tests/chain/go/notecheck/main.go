// Command notecheck checks a log with Go's own sumdb/note and sumdb/tlog: it opens the note with the verifier key,
// recomputes the root from the entries, proves every entry and every older size, and signs the same text anew.
//
// usage: notecheck VKEY PRIVATE_KEY FOLDER, where FOLDER has `note` and `entries` (one hexadecimal entry a line).
package main

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(vkey, private, folder string) error {
	text, err := openNote(vkey, filepath.Join(folder, "note"))
	if err != nil {
		return err
	}
	lines := strings.Split(text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return err
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return err
	}
	hashes, err := readEntries(filepath.Join(folder, "entries"))
	if err != nil {
		return err
	}
	if err := checkTree(hashes, size, root); err != nil {
		return err
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return err
	}
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "signed-by-go"), signed, 0o600)
}

func openNote(vkey, path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return "", err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return "", err
	}
	return opened.Text, nil
}

// readEntries returns the stored hashes of the log, in Go's own storage order.
func readEntries(path string) (tlog.HashReader, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			if index >= int64(len(stored)) {
				return nil, fmt.Errorf("no stored hash %d", index)
			}
			found[i] = stored[index]
		}
		return found, nil
	})
	for n, line := range strings.Fields(string(data)) {
		entry, err := hex.DecodeString(line)
		if err != nil {
			return nil, err
		}
		hashes, err := tlog.StoredHashes(int64(n), entry, reader)
		if err != nil {
			return nil, err
		}
		stored = append(stored, hashes...)
	}
	return reader, nil
}

// checkTree recomputes the root and prints every proof, for the caller to compare with its own.
func checkTree(reader tlog.HashReader, size int64, root tlog.Hash) error {
	got, err := tlog.TreeHash(size, reader)
	if err != nil {
		return err
	}
	if got != root {
		return fmt.Errorf("root: expected %v, got %v", root, got)
	}
	for n := int64(0); n < size; n++ {
		record, err := tlog.ProveRecord(size, n, reader)
		if err != nil {
			return err
		}
		fmt.Println("record", n, record)
		tree, err := tlog.ProveTree(size, n+1, reader)
		if err != nil {
			return err
		}
		fmt.Println("tree", n+1, tree)
	}
	return nil
}
