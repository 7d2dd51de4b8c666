//! An allocator that counts, Rust's and upb's. Invariant: what is live is what was allocated and not freed, by its
//! own size: what malloc or a header adds is not counted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The system's allocator, counted.
pub(crate) struct Counting;

/// What an operation took.
pub(crate) struct Taken {
    /// Blocks that were allocated, and blocks that were made larger.
    pub(crate) allocations: usize,
    /// The most bytes that were held at a time, beyond those from before.
    pub(crate) peak: usize,
}

/// What `operation` takes.
pub(crate) fn during(operation: impl FnOnce()) -> Taken {
    let before = LIVE.load(Relaxed);
    ALLOCATIONS.store(0, Relaxed);
    PEAK.store(before, Relaxed);
    operation();
    Taken { allocations: ALLOCATIONS.load(Relaxed), peak: PEAK.load(Relaxed) - before }
}

/// Counts upb's allocations too, which come from C. To be called before upb allocates anything.
pub(crate) fn count_upb() {
    // SAFETY: the variable is upb's own place for an allocator, of this layout (upb/mem/alloc.h); no other thread runs.
    unsafe { upb_alloc_global.allocate = allocate_for_upb };
}

// SAFETY: the system's allocator does it all; beside it there is only counting.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        // SAFETY: the caller's promises are those that System asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(layout.size(), size);
        // SAFETY: as in `alloc`.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as in `alloc`.
        unsafe { System.dealloc(block, layout) }
    }
}

/// A block of `old` bytes becomes one of `new`.
fn count(old: usize, new: usize) {
    ALLOCATIONS.fetch_add(1, Relaxed);
    LIVE.fetch_sub(old, Relaxed);
    let live = LIVE.fetch_add(new, Relaxed) + new;
    PEAK.fetch_max(live, Relaxed);
}

/// upb's `upb_alloc_func`: allocates, makes larger, and for a size of 0 frees. The size stands before the block.
unsafe extern "C" fn allocate_for_upb(
    _allocator: *mut Allocator,
    block: *mut c_void,
    _old_size: usize,
    size: usize,
    _actual_size: *mut usize,
) -> *mut c_void {
    // SAFETY: a block that upb hands back came from here, a header before it; layouts are made of the header's size.
    unsafe {
        let whole: *mut u8 =
            if block.is_null() { ptr::null_mut() } else { block.byte_sub(HEADER).cast() };
        let old = if block.is_null() { 0 } else { whole.cast::<usize>().read() };
        if size == 0 {
            if !block.is_null() {
                LIVE.fetch_sub(old, Relaxed);
                System.dealloc(whole, layout(old));
            }
            return ptr::null_mut();
        }
        count(old, size);
        let whole = if block.is_null() {
            System.alloc(layout(size))
        } else {
            System.realloc(whole, layout(old), HEADER + size)
        };
        if whole.is_null() {
            return ptr::null_mut();
        }
        whole.cast::<usize>().write(size);
        whole.add(HEADER).cast()
    }
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(HEADER + size, HEADER)
        .expect("upb's blocks are far smaller than memory")
}

/// upb's `struct upb_alloc`.
#[repr(C)]
struct Allocator {
    allocate:
        unsafe extern "C" fn(*mut Allocator, *mut c_void, usize, usize, *mut usize) -> *mut c_void,
}

unsafe extern "C" {
    static mut upb_alloc_global: Allocator;
}

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
/// As much as malloc aligns to.
const HEADER: usize = 16;
