using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Verbs;

namespace NativeMm.Explorer.Running;

/// <summary>Atomic operations of the cases themselves, for what a user of a structure would do around it.</summary>
internal static class CaseAtomics
{
    /// <summary>A fence that stands for one of the library, and can be weakened like it.</summary>
    /// <param name="label">The label of the library's.</param>
    public static void ProcessWideFence(string label)
    {
        int before = Place.Enter(Sites.Require(label) << 16);
        ModelInterlocked.MemoryBarrierProcessWide();
        Place.Leave(before);
    }

    /// <summary>Lets the others go on first.</summary>
    public static void Yield() => Execution.Wait(patient: true);

    public static ulong LoadAcquire(ref ulong word) => ModelVolatile.Read(in word);

    public static T LoadAcquire<T>(ref T reference)
        where T : class? => ModelVolatile.Read(in reference);

    public static void StoreRelease(ref ulong word, ulong value) => ModelVolatile.Write(ref word, value);

    public static void StoreRelease<T>(ref T reference, T value)
        where T : class? => ModelVolatile.Write(ref reference, value);
}
