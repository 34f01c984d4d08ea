// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// patch copies the modules that are to be patched below dir, patches them
// there, and returns a go.mod that replaces the modules by their copies. The
// go command refuses an overlay of files in the module cache, hence the copies.
func patch(ctx context.Context, g golang, patches []Patch, dir string) (string, error) {
	modfile := filepath.Join(dir, "go.mod")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("cannot create a folder for patched sources: %w", err)
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		if err := copyTree(filepath.Join(g.dir, name), filepath.Join(dir, name)); err != nil {
			return "", fmt.Errorf("cannot copy %s: %w", name, err)
		}
	}

	copies := map[string]string{}
	for _, p := range patches {
		if copies[p.Module] == "" {
			src, err := g.moduleDir(ctx, p.Module)
			if err != nil {
				return "", err
			}
			dst := filepath.Join(dir, fmt.Sprintf("module-%d", len(copies)))
			if err := copyTree(src, dst); err != nil {
				return "", fmt.Errorf("cannot copy the sources of %s: %w", p.Module, err)
			}
			if _, err := g.run(ctx, "mod", "edit", "-replace="+p.Module+"="+dst, modfile); err != nil {
				return "", err
			}
			copies[p.Module] = dst
		}
		if err := p.apply(copies[p.Module]); err != nil {
			return "", err
		}
	}
	return modfile, nil
}

// apply the patch to the module's copy in dir.
func (p Patch) apply(dir string) error {
	file := filepath.Join(dir, filepath.FromSlash(p.File))
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("cannot patch %s: %w", p.Module, err)
	}
	if n := strings.Count(string(b), p.Old); n != 1 {
		return fmt.Errorf("cannot patch %s: %s has %d lines with %q, want exactly 1", p.Module, p.File, n, p.Old)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(b), p.Old, p.New, 1)), 0o600); err != nil {
		return fmt.Errorf("cannot patch %s: %w", p.Module, err)
	}
	return nil
}

// copyTree copies a file or a folder. Files in the module cache are read-only;
// the copies are not.
func copyTree(src, dst string) error {
	err := filepath.WalkDir(src, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, path)
		if err != nil {
			return fmt.Errorf("cannot place %s: %w", path, err)
		}
		to := filepath.Join(dst, rel)
		if d.IsDir() {
			if err := os.MkdirAll(to, 0o755); err != nil {
				return fmt.Errorf("cannot make folder %s: %w", rel, err)
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		return copyFile(path, to)
	})
	if err != nil {
		return fmt.Errorf("cannot walk %s: %w", src, err)
	}
	return nil
}

func copyFile(src, dst string) error {
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return fmt.Errorf("cannot make the folder of %s: %w", dst, err)
	}
	in, err := os.Open(src)
	if err != nil {
		return fmt.Errorf("cannot open the source: %w", err)
	}
	defer in.Close() //nolint:errcheck // Only read from.
	out, err := os.OpenFile(dst, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return fmt.Errorf("cannot make the copy: %w", err)
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close()
		return fmt.Errorf("cannot write the copy: %w", err)
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("cannot end the copy: %w", err)
	}
	return nil
}
