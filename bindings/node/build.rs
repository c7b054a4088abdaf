//! Tells the linker how Node resolves an addon's symbols on each platform.
fn main() {
    napi_build::setup();
}
