// Model        each word keeps all stores of an execution, in the order in which they happened; each strand has a view, the newest store of each word
//              that it must see. A read gives any store that is not older than its view. A release stores the view along; an acquire joins it. A
//              relaxed read is remembered until a read fence; a write fence is remembered for relaxed stores. A read-modify-write finds the newest store,
//              joins what that one tells, and is a full fence when it succeeds, an acquire when it fails, as `casal` of arm64 is. Full fences are in
//              one order. The process-wide fence is a full fence of each other strand, one after the other.
// Not modelled a store that takes effect behind a later read of its own strand's past (load buffering); two stores of one word in another order than
//              that of the execution, which release stores and fences forbid on arm64 anyway.
// Plain stores that hit a word that is also used atomically are seen when their strand is next stopped, or when anybody next looks at the word.
// Source       view-based release/acquire: Kang et al. 2017, "A promising semantics" (without promises); RC11 (Lahav et al. 2017).

using System.Runtime.CompilerServices;

namespace NativeMm.Explorer.Machine;

/// <content>The memory.</content>
internal static unsafe partial class Execution
{
    private const int MessagesMax = 1 << 16;
    private const int TableSize = 1 << 12;

    private static readonly Word[] s_words = new Word[Views.WordsMax];
    private static readonly Message[] s_messages = new Message[MessagesMax];
    private static readonly object?[] s_objects = new object?[MessagesMax];
    private static readonly (nuint Address, int Epoch, int Word)[] s_table = new (nuint, int, int)[TableSize];
    private static readonly short* s_order = Views.New();

    private static int s_wordCount;
    private static int s_messageCount;
    private static int s_epoch;

    private static bool IsRelaxed => Mutation.Kind == Weakening.Relaxed && Sites.LabelOf(s_current.Site) == Mutation.Label;

    private static bool IsDropped => Mutation.Kind == Weakening.Dropped && Sites.LabelOf(s_current.Site) == Mutation.Label;

    private static bool IsSplit => Mutation.Kind == Weakening.Split && Sites.LabelOf(s_current.Site) == Mutation.Label;

    /// <summary>Reads a word that holds no reference.</summary>
    public static ulong Load(nuint address, int size, bool acquire) => s_messages[LoadMessage(address, size, acquire)].Value;

    /// <summary>Reads a word that holds a reference.</summary>
    public static object? LoadReference(nuint address, bool acquire) => s_objects[LoadMessage(address, 0, acquire)];

    /// <summary>Writes a word.</summary>
    public static void Store(nuint address, int size, ulong value, object? reference, bool release)
    {
        Step(address, StepKind.Write);
        if (IsDropped)
        {
            Trace.Operation(s_current, "store left out", address, value);
            return;
        }

        ref Word word = ref Find(address, size);
        Trace.Operation(s_current, release ? "store" : "store, relaxed", address, value);
        Contention.Touch(ref word, s_current.Number, isWrite: true);
        NoteTouch(address, size, isWrite: true);
        Append(s_current, ref word, value, reference, release && !IsRelaxed ? s_current.View : s_current.Released);
        WriteRaw(address, size, value, reference);
    }

    /// <summary>Changes a word in one step.</summary>
    /// <param name="address">Where.</param>
    /// <param name="size">1, 2, 4 or 8 bytes; 0 for a reference.</param>
    /// <param name="change">What to make of the value.</param>
    /// <param name="old">What was there.</param>
    /// <param name="oldReference">What was there, if it is a reference.</param>
    public static void Change<TChange>(nuint address, int size, TChange change, out ulong old, out object? oldReference)
        where TChange : struct, IChange
    {
        if (IsSplit)
        {
            int seen = LoadMessage(address, size, acquire: true);
            old = s_messages[seen].Value;
            oldReference = s_objects[seen];
            if (change.TryMake(old, oldReference, out ulong late, out object? lateReference))
            {
                Store(address, size, late, lateReference, release: true);
            }

            return;
        }

        Step(address, StepKind.Change);
        Strand strand = s_current;
        ref Word word = ref Find(address, size);
        int newest = word.Newest;
        ref Message message = ref s_messages[newest];
        old = message.Value;
        oldReference = s_objects[newest];
        strand.View[Views.Clocks + word.Number] = message.Stamp;
        word.LastRead[strand.Number] = newest + 1;
        strand.Watch(word.Number);
        bool isChanged = change.TryMake(old, oldReference, out ulong value, out object? reference);
        value = size == sizeof(uint) ? (uint)value : value;
        bool isRelaxed = IsRelaxed;
        if (!isRelaxed)
        {
            Views.JoinCopy(strand.View, message.View);
        }
        else if (message.View != null)
        {
            Views.JoinCopy(strand.Read, message.View);
        }

        Trace.Change(strand, address, old, value, isChanged);
        Contention.Touch(ref word, strand.Number, isChanged);
        NoteTouch(address, size, isChanged);
        if (!isChanged || IsDropped)
        {
            return;
        }

        short* told = message.View;
        if (!isRelaxed)
        {
            FullFence(strand);
        }

        Append(strand, ref word, value, reference, isRelaxed ? strand.Released : strand.View);
        if (isRelaxed && told != null)
        {
            // It stays part of the release sequence of the store that it found.
            Views.JoinCopy(s_messages[word.Newest].View, told);
        }

        WriteRaw(address, size, value, reference);
    }

    /// <summary>A fence of the strand that runs.</summary>
    public static void Fence(FenceKind kind)
    {
        Step();
        Strand strand = s_current;
        if (IsRelaxed || IsDropped)
        {
            Trace.Note(strand, "fence left out");
            return;
        }

        Trace.Note(strand, kind switch { FenceKind.Read => "read fence", FenceKind.Write => "write fence", _ => "full fence" });
        if (kind != FenceKind.Write)
        {
            Views.Join(strand.View, strand.Read);
        }

        if (kind == FenceKind.Full)
        {
            FullFence(strand);
        }
        else if (kind == FenceKind.Write)
        {
            Views.Assign(strand.Released, strand.View);
            strand.View[strand.Number]++;
        }
    }

    /// <summary>A full fence of every strand.</summary>
    public static void ProcessWideFence()
    {
        Step();
        Strand self = s_current;
        if (IsRelaxed || IsDropped)
        {
            Trace.Note(self, "process-wide fence left out");
            return;
        }

        Trace.Note(self, "process-wide fence begins");
        s_fencedAllAt[self.Number] = s_steps;
        FullFence(self);
        for (int i = 0; i < s_count; i++)
        {
            if (s_strands[i] != self)
            {
                Step();
                Trace.Note(self, $"process-wide fence reaches {s_strands[i].Name}");
                s_fencedAllAt[self.Number] = s_steps;
                FullFence(s_strands[i]);
                FullFence(self);
                Views.JoinClocks(self.View, s_strands[i].View);
                self.View[self.Number]++;
                s_strands[i].View[i]++;
            }
        }
    }

    /// <summary>Whether a word is used atomically in this execution.</summary>
    /// <param name="address">Where.</param>
    /// <param name="isKnown">Whether the strand that runs knows its newest store.</param>
    public static bool IsAtomic(nuint address, out bool isKnown)
    {
        bool isAtomic = TryFind(address, out int number);
        isKnown = !isAtomic || !IsNewTo(s_current, number);
        return isAtomic;
    }

    /// <summary>The number of a word's name in traces.</summary>
    public static int NumberOf(nuint address) => TryFind(address, out int number) ? number : -1;

    private static void ResetMemory()
    {
        Views.Reset();
        Races.Reset();
        Views.Clear(s_order);
        Array.Clear(s_objects, 0, s_messageCount);
        s_wordCount = 0;
        s_messageCount = 0;
        s_epoch++;
    }

    private static int LoadMessage(nuint address, int size, bool acquire)
    {
        Step(address, StepKind.Read);
        Strand strand = s_current;
        ref Word word = ref Find(address, size);
        Contention.Touch(ref word, strand.Number, isWrite: false);
        NoteTouch(address, size, isWrite: false);
        int entry = Views.Clocks + word.Number;
        int choice = word.Newest;
        int unseen = s_messages[choice].Stamp - strand.View[entry];
        int stale = 0;
        if (unseen > 0 && s_staleReads < s_bounds.StaleReads)
        {
            stale = Search.Choose(unseen + 1);
            s_staleReads += stale != 0 ? 1 : 0;
            for (int i = 0; i < stale; i++)
            {
                choice = s_messages[choice].Previous;
            }
        }

        if (IsDropped && word.LastRead[strand.Number] != 0)
        {
            choice = word.LastRead[strand.Number] - 1;
        }

        word.LastRead[strand.Number] = choice + 1;
        ref Message message = ref s_messages[choice];
        strand.View[entry] = Math.Max(strand.View[entry], message.Stamp);
        strand.Watch(word.Number);
        Views.JoinCopy(acquire && !IsRelaxed ? strand.View : strand.Read, message.View);
        Trace.Load(strand, address, message.Value, acquire, stale);
        return choice;
    }

    /// <summary>
    /// Whether a full fence of the strand that runs, at this moment, tells of a store that later fences of others do not know yet: then who passes a fence of its own before it
    /// may read something late that it could not read late behind it. A fence that tells of nothing may as well come earlier: that takes no late read away from anybody.
    /// </summary>
    private static bool IsFenceTelling()
    {
        Strand strand = s_current;
        for (int i = 0; i < s_wordCount && s_staleReads < s_bounds.StaleReads; i++)
        {
            int entry = Views.Clocks + i;
            if (Math.Max(strand.View[entry], strand.Read[entry]) > s_order[entry] && Contention.IsStop(s_words[i].Address))
            {
                return true;
            }
        }

        return false;
    }

    private static void FullFence(Strand strand)
    {
        s_fencedAt[strand.Number] = s_steps;
        Views.Join(strand.View, strand.Read);

        // That one fence came before another one decides what is seen, but it is no order that a program may count on for its data: clocks stay.
        ulong clocks = Views.ClocksOf(strand.View);
        Views.Join(strand.View, s_order);
        Views.ClocksOf(strand.View) = clocks;
        Views.Assign(s_order, strand.View);
        Views.Assign(strand.Released, strand.View);
        strand.View[strand.Number]++;
    }

    private static void Append(Strand strand, ref Word word, ulong value, object? reference, short* tells)
    {
        if (s_messageCount == MessagesMax)
        {
            throw new InvalidOperationException("An execution has more stores than the model has room for.");
        }

        short stamp = (short)(s_messages[word.Newest].Stamp + 1);
        strand.View[Views.Clocks + word.Number] = stamp;
        short* view = Views.Copy(tells);
        view[Views.Clocks + word.Number] = stamp;
        int number = s_messageCount++;
        s_messages[number] = new Message { Value = value, View = view, Previous = word.Newest, Stamp = stamp };
        s_objects[number] = reference;
        word.Newest = number;
        if (tells == strand.View)
        {
            strand.View[strand.Number]++;
        }
    }

    private static bool IsNewTo(Strand strand, int word) =>
        s_messages[s_words[word].Newest].Stamp > strand.View[Views.Clocks + word];

    private static bool TryFind(nuint address, out int number)
    {
        int slot = Slot(address);
        while (s_table[slot].Epoch == s_epoch)
        {
            if (s_table[slot].Address == address)
            {
                number = s_table[slot].Word;
                return true;
            }

            slot = (slot + 1) & (TableSize - 1);
        }

        number = slot;
        return false;
    }

    private static ref Word Find(nuint address, int size)
    {
        if (TryFind(address, out int number))
        {
            ref Word known = ref s_words[number];
            SeePlainStore(ref known);
            return ref known;
        }

        return ref Add(address, size, slot: number);
    }

    private static ref Word Add(nuint address, int size, int slot)
    {
        if (s_wordCount == s_words.Length)
        {
            throw new InvalidOperationException("A case uses more words than the model has room for: make it smaller.");
        }

        int number = s_wordCount++;
        Views.Cover(Views.Clocks + number);
        s_table[slot] = (address, s_epoch, number);
        int first = s_messageCount++;
        s_messages[first] = new Message { Value = ReadRaw(address, size), Previous = first };
        s_objects[first] = size == 0 ? Unsafe.AsRef<object?>((void*)address) : null;
        s_words[number] = new Word { Address = address, Size = size, Number = number, Newest = first };
        return ref s_words[number];
    }

    /// <summary>The strand that runs is about to be stopped: what it stored without the model is its own.</summary>
    private static void SeePlainStores()
    {
        for (int i = 0; i < s_wordCount; i++)
        {
            SeePlainStore(ref s_words[i]);
        }
    }

    private static void SeePlainStore(ref Word word)
    {
        if (word.Size != 0)
        {
            ulong value = ReadRaw(word.Address, word.Size);
            if (value != s_messages[word.Newest].Value)
            {
                Contention.Touch(ref word, s_current.Number, isWrite: true);
                NoteTouch(word.Address, word.Size, isWrite: true);
                Append(s_current, ref word, value, null, s_current.Released);
            }
        }
        else
        {
            object? reference = Unsafe.AsRef<object?>((void*)word.Address);
            if (!ReferenceEquals(reference, s_objects[word.Newest]))
            {
                NoteTouch(word.Address, word.Size, isWrite: true);
                Append(s_current, ref word, 0, reference, s_current.Released);
            }
        }
    }

    private static int Slot(nuint address) => (int)((address >> 2) * 0x9E3779B1u >> 8) & (TableSize - 1);

    private static ulong ReadRaw(nuint address, int size) => size switch
    {
        8 => *(ulong*)address,
        4 => *(uint*)address,
        2 => *(ushort*)address,
        1 => *(byte*)address,
        _ => 0,
    };

    private static void WriteRaw(nuint address, int size, ulong value, object? reference)
    {
        switch (size)
        {
            case 8:
                *(ulong*)address = value;
                break;
            case 4:
                *(uint*)address = (uint)value;
                break;
            case 2:
                *(ushort*)address = (ushort)value;
                break;
            case 1:
                *(byte*)address = (byte)value;
                break;
            default:
                Unsafe.AsRef<object?>((void*)address) = reference;
                break;
        }
    }
}
