using NativeMm.Platform;

namespace NativeMm.Slabs;

/// <summary>Neighbouring blocks whose pages are on their way back to the system.</summary>
/// <param name="Slab">Where they lie.</param>
/// <param name="First">Number of the first one.</param>
/// <param name="Count">How many.</param>
/// <param name="Pages">What is given back: the whole pages, maybe a little more than the blocks.</param>
internal readonly record struct SlabRun(Slab Slab, int First, int Count, AddressRange Pages);
