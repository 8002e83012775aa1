namespace NativeMm.Tests.Faulty.Teardown;

/// <summary>What gives memory back in <see cref="RefusedEndTests"/>.</summary>
public enum EndKind
{
    Trim,
    HeapDispose,
    HeapDisposeAsync,
    SpaceDispose,
    SpaceDisposeAsync,
    UnmapAsync,
    RuntimeDispose,
    RuntimeDisposeAsync,
}
