# Thin: every line below also works by hand. `make help` lists the targets.
#
# CC, CXX and CARGO are used as usual. .NET parts run where a .NET SDK 10 or newer is on PATH and say one line where
# there is none; REQUIRE_DOTNET=1 makes that an error.

CARGO ?= cargo
PREFIX ?= /usr/local

.PHONY: all help lib examples demo-programs demo test prove fuzz bench install lint check-windows clean

all: lib examples demo-programs

help:
	@echo "make                  the library (build/lib), the examples and the demo programs"
	@echo "make demo             100 000 messages from one program to the next, in C++ and in C#"
	@echo "make test             every test: Rust, C, C++, .NET, examples"
	@echo "make prove            the whole of what make test runs a bounded part of: hours; a table at its end"
	@echo "make fuzz             looks for inputs that hurt, FUZZ_SECONDS per target (600; needs nightly and cargo-fuzz)"
	@echo "make bench            the figures, and beside each the machine's own limit (target/bench.json)"
	@echo "make install PREFIX=  headers, libraries, package files"
	@echo "make lint             formatters and linters, nothing is changed"
	@echo "make check-windows    compiles the library for Windows"
	@echo "make clean            removes what was built"

lib:
	$(CARGO) build --release --locked
	tools/link-library.sh target/release build/lib

examples: lib
	tools/build-examples.sh

demo-programs: lib
	demo/cpp/build.sh build/demo/cpp
	tools/has-dotnet.sh "C# demo"; case $$? in 0) demo/csharp/build.sh build/demo/csharp;; 1) ;; *) exit 1;; esac

demo: lib
	tools/demo.sh

test: lib
	tests/run.sh

prove: lib
	tests/prove.sh

fuzz:
	tests/fuzz.sh

bench: lib
	$(CARGO) bench --locked --features testing --bench bench

install: lib
	tools/install.sh "$(PREFIX)"

lint:
	tools/lint.sh

check-windows:
	tools/check-windows.sh

clean:
	$(CARGO) clean
	rm -rf build
	rm -rf bindings/dotnet/*/bin bindings/dotnet/*/obj
