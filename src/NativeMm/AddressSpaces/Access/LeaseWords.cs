using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace NativeMm.AddressSpaces;

/// <summary>The words of the leases of a thread.</summary>
internal static unsafe class LeaseWords
{
    /// <summary>A word of the calling thread that no lease has.</summary>
    /// <exception cref="InvalidOperationException">The thread holds as many leases as it may.</exception>
    public static ulong* Find(AccessSlot* slot)
    {
        ulong* word = TryFind(slot);
        return word != null ? word : throw new InvalidOperationException(
            $"The thread holds {AccessSlot.LeasesMax} leases, which is as many as a thread may hold. Dispose one; for longer, copy what it shows, or pin the pages of a space.");
    }

    /// <summary>The same; null when the thread holds as many leases as it may.</summary>
    public static ulong* TryFind(AccessSlot* slot)
    {
        for (int i = 0; i < AccessSlot.LeasesMax; i++)
        {
            ulong* word = AccessSlot.LeaseWord(slot, i);
            if (*word == 0)
            {
                return word;
            }
        }

        return null;
    }

    /// <summary>Ends a lease; nothing happens for one that has ended.</summary>
    /// <param name="word">Its word, or null.</param>
    /// <param name="hazard">What it wrote there.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void End(ulong* word, ulong hazard)
    {
        if (word != null)
        {
            if (*word != hazard)
            {
                ThrowEndedTwice();
            }

            HazardAccess.End(ref *word);
        }
    }

    /// <summary>Refuses what is left of a lease that has ended.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ThrowIfEnded(ulong* word)
    {
        if (word == null)
        {
            ThrowEnded();
        }
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowEndedTwice() => throw new InvalidOperationException("A lease was disposed twice, through a copy of it.");

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowEnded() => throw new ObjectDisposedException("lease", "The lease of a page is disposed.");
}
