using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using NativeMm.Diagnostics;
using NativeMm.Heap.Checked;
using NativeMm.Heap.Sampled;
using NativeMm.Primitives;

namespace NativeMm.Runtime;

/// <summary>
/// Tells whoever started the process which variables of his have no effect: on standard error, where an operator looks, and as an event. Each note
/// comes once a process. Thread-safe.
/// </summary>
internal static class EnvironmentNotes
{
    private const string Prefix = "NATIVEMM_";

    // NativeMm__PurgeDelay is how a host's configuration spells NativeMm:PurgeDelay, in any case of letters: whoever reads it there says what is wrong with it.
    private const string ConfigurationPrefix = Prefix + "_";

    private static readonly string[] s_known =
        [CheckedOptions.EnabledVariable, CheckedOptions.StacksVariable, SampledOptions.EnabledVariable, SampledOptions.IntervalVariable];

    // They belong to the lab's recorder and to the tests of this repository, which hand them on to programs.
    private static readonly string[] s_ofTools = [Prefix + "RECORD", Prefix + "UPDATE_PUBLIC_API"];

    private static readonly HashSet<string> s_said = new(StringComparer.Ordinal);
    private static SleepLock s_lock;

    /// <summary>
    /// Says what is to be said of a heap that was just made and was not said yet. It never throws, and nothing that the program installed runs inside
    /// of it: the caller may hold locks, and the shared heap need not be there yet.
    /// </summary>
    /// <param name="options">What the heap was made with.</param>
    /// <param name="heap">Its name.</param>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A note that cannot be written must not cost the heap it is about.")]
    public static void Say(MemoryRuntimeOptions options, string heap)
    {
        try
        {
            IDictionary variables = Environment.GetEnvironmentVariables();
            if (!HasOurs(variables))
            {
                return;
            }

            List<string> notes = Of(
                variables.Keys.Cast<string>(), name => variables[name] as string, options.Checked.Enabled, options.Sampled.Enabled, heap);
            using (s_lock.EnterScope())
            {
                notes.RemoveAll(note => !s_said.Add(note));
            }

            if (notes.Count > 0)
            {
                // Not Console.Error, which may be a writer of the program's own.
                using Stream error = Console.OpenStandardError();
                error.Write(Encoding.UTF8.GetBytes(string.Concat(notes.Select(note => $"NativeMm: {note}{Environment.NewLine}"))));
                ThreadPool.UnsafeQueueUserWorkItem(static notes => notes.ForEach(NativeMmEventSource.Log.EnvironmentIgnored), notes, preferLocal: false);
            }
        }
        catch (Exception)
        {
            // No standard error, or no managed memory.
        }
    }

    /// <summary>Whether there is anything to say: for most processes there is not, and this is all that it takes of their start.</summary>
    private static bool HasOurs(IDictionary variables)
    {
        foreach (object name in variables.Keys)
        {
            if (name is string text && text.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The notes on an environment, as sentences.</summary>
    /// <param name="names">All variables there are.</param>
    /// <param name="valueOf">The value of one, or null.</param>
    /// <param name="isChecked">Whether the heap is in checked mode.</param>
    /// <param name="isSampled">Whether the options ask for sampled guards.</param>
    /// <param name="heap">The heap's name.</param>
    internal static List<string> Of(IEnumerable<string> names, Func<string, string?> valueOf, bool isChecked, bool isSampled, string heap)
    {
        StringComparer comparer = OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;
        List<string> notes =
        [
            .. names.Where(name => name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
                    && !name.StartsWith(ConfigurationPrefix, StringComparison.OrdinalIgnoreCase)
                    && !s_known.Contains(name, comparer)
                    && !s_ofTools.Contains(name, comparer)
                    && !string.IsNullOrWhiteSpace(valueOf(name)))
                .Order(StringComparer.Ordinal)
                .Select(name => $"the environment variable {name} is not known and has no effect. There are {string.Join(", ", s_known)}."),
        ];
        Compare(notes, CheckedOptions.EnabledVariable, CheckedOptions.StacksVariable, "the checked mode", nameof(CheckedOptions), valueOf, isChecked, heap);

        // In checked mode there is nothing left to sample: whoever asks for both has the one that finds more.
        Compare(
            notes, SampledOptions.EnabledVariable, SampledOptions.IntervalVariable, "sampling", nameof(SampledOptions), valueOf, isSampled || isChecked, heap);
        return notes;
    }

    private static void Compare(
        List<string> notes, string enabled, string detail, string mode, string options, Func<string, string?> valueOf, bool isOn, string heap)
    {
        if (isOn)
        {
            return;
        }

        string? asked = valueOf(enabled)?.Trim();
        if (!string.IsNullOrEmpty(asked))
        {
            if (asked != "0" && !asked.Equals("false", StringComparison.OrdinalIgnoreCase))
            {
                notes.Add($"{enabled} has no effect on the heap '{heap}': the program's own {options}.Enabled is false.");
            }
        }
        else if (valueOf(detail)?.Trim() is { Length: > 0 } value && value != "0")
        {
            notes.Add($"{detail} has no effect on the heap '{heap}': {mode} is off. {enabled}=1 switches it on.");
        }
    }
}
