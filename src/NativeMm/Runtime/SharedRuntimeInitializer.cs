using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeMm.Heap;

namespace NativeMm.Runtime;

/// <summary>Announces the shared runtime to the layers below, before anything of the assembly runs.</summary>
internal static class SharedRuntimeInitializer
{
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "The lower layer's contract has to be wired before its first use, whoever makes it.")]
    public static void Announce() => SharedHeapSource.Set(static () => MemoryRuntime.CreateShared().Heap);
}
