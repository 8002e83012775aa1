using NativeMm.Explorer.Verbs;

namespace NativeMm.Explorer.Running;

/// <summary>Atomic operations of the cases themselves, for what a user of a structure would do around it.</summary>
internal static class CaseAtomics
{
    public static ulong LoadAcquire(ref ulong word) => ModelVolatile.Read(in word);

    public static T LoadAcquire<T>(ref T reference)
        where T : class? => ModelVolatile.Read(in reference);

    public static void StoreRelease(ref ulong word, ulong value) => ModelVolatile.Write(ref word, value);

    public static void StoreRelease<T>(ref T reference, T value)
        where T : class? => ModelVolatile.Write(ref reference, value);
}
