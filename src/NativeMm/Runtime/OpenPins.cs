using System.Diagnostics.CodeAnalysis;
using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Heap.Checked;
using NativeMm.Primitives;

namespace NativeMm.Runtime;

/// <summary>
/// All pins of checked runtimes that were not disposed yet: whoever cannot end a runtime because of them is told which they are, and so is everybody at the end of the
/// process. Once the library's own load context unloads it stops. Thread-safe.
/// </summary>
internal sealed class OpenPins : IPinWatch, ILoadContextTenant
{
    private const int ExitCodeOfLeaks = 1;
    private const int PinsShown = 20;

    private static readonly LinkedList<OpenPin> s_open = [];
    private static SleepLock s_lock;
    private static int s_hasBegun;

    private readonly int _stackSampleInterval;
    private readonly LeakPolicy _policy;
    private int _pins;

    /// <summary>Begins to keep account.</summary>
    /// <param name="options">How often a stack is recorded, and what is said at the end of the process.</param>
    public OpenPins(CheckedOptions options)
    {
        _stackSampleInterval = options.StackSampleInterval;
        _policy = options.Leaks;
        if (Atomic.Exchange(ref s_hasBegun, 1) == 0)
        {
            AppDomain.CurrentDomain.ProcessExit += ReportAll;
            LoadContextTenants.Add(this);
        }
    }

    /// <inheritdoc/>
    public object Began(AddressSpace space, long address, long length, PageAccess access)
    {
        bool isSampled = _stackSampleInterval != 0 && (uint)Atomic.Add(ref _pins, 1) % (uint)_stackSampleInterval == 0;
        var pin = new LinkedListNode<OpenPin>(new OpenPin(space, address, length, access, isSampled ? AllocationStack.TryCapture() : null, _policy));
        using (s_lock.EnterScope())
        {
            s_open.AddLast(pin);
        }

        return pin;
    }

    /// <inheritdoc/>
    public void Ended(object pin)
    {
        using (s_lock.EnterScope())
        {
            s_open.Remove((LinkedListNode<OpenPin>)pin);
        }
    }

    /// <inheritdoc/>
    public string Describe(AddressSpace space) => TextOf(Open().Where(pin => pin.Space == space));

    /// <inheritdoc/>
    public void Leave() => AppDomain.CurrentDomain.ProcessExit -= ReportAll;

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "At the end of the process there is nobody to catch it.")]
    private void ReportAll(object? sender, EventArgs e)
    {
        try
        {
            foreach (IGrouping<AddressSpace, OpenPin> pins in Open().Where(pin => pin.Policy != LeakPolicy.Ignore).GroupBy(pin => pin.Space))
            {
                Console.Error.WriteLine(
                    $"NativeMm: the process ends, and address space '{pins.Key.Options.Name}' has {CountText.Of(pins.Count(), "pin")} that {(pins.Count() == 1 ? "was" : "were")} never released.{TextOf(pins)}");
                if (pins.First().Policy == LeakPolicy.Throw && Environment.ExitCode == 0)
                {
                    Environment.ExitCode = ExitCodeOfLeaks;
                }
            }
        }
        catch (Exception)
        {
            // No standard error, or no managed memory.
        }
    }

    private static OpenPin[] Open()
    {
        using (s_lock.EnterScope())
        {
            return [.. s_open];
        }
    }

    private static string TextOf(IEnumerable<OpenPin> pins)
    {
        OpenPin[] all = [.. pins];
        string more = all.Length > PinsShown ? $"{Environment.NewLine}  and {all.Length - PinsShown} more" : string.Empty;
        return string.Concat(all.Take(PinsShown).Select(pin => Environment.NewLine + pin)) + more;
    }
}
