using System;
using System.Collections;
using System.Collections.Generic;
using Ons.Native;

namespace Ons
{
    /// <summary>
    /// The settings of a client, by key; see <see cref="FactoryPropertyKeys"/>. A bad value is refused when it is set, with an
    /// error that names key, value and what is allowed. Clients copy the settings when they are made.
    /// </summary>
    public sealed unsafe class FactoryProperty : IEnumerable<KeyValuePair<string, string>>, IDisposable
    {
        /// <summary>Settings with nothing set.</summary>
        public FactoryProperty()
        {
            Library.Load();
            ons_factory_property* property;
            ons_error* error;
            OnsException.Check(NativeMethods.ons_factory_property_new(&property, &error), error);
            Handle = new FactoryPropertyHandle(property);
        }

        private FactoryProperty(FactoryPropertyHandle handle) => Handle = handle;

        internal FactoryPropertyHandle Handle { get; }

        /// <summary>The value of a key; where none was set its documented default, else the empty string.</summary>
        public string this[string key]
        {
            get
            {
                _ = key ?? throw new ArgumentNullException(nameof(key));
                using OnsHandle.Lease lease = Handle.Borrow();
                using var keyArgument = new Utf8Argument(key, stackalloc byte[Utf8Argument.StackBytes]);
                fixed (byte* keyText = keyArgument)
                {
                    byte* value;
                    nuint valueLength;
                    ons_error* error;
                    OnsException.Check(
                        NativeMethods.ons_factory_property_get((ons_factory_property*)lease.Pointer, keyText, keyArgument.Length, &value, &valueLength, &error),
                        error);
                    return Utf8.Decode(value, valueLength);
                }
            }

            set => Apply(key, value, isCheckOnly: false);
        }

        /// <summary>Sets a value; makes collection initializers possible.</summary>
        public void Add(string key, string value) => this[key] = value;

        /// <summary>Throws what setting the value would throw, without setting it.</summary>
        public void Check(string key, string value) => Apply(key, value, isCheckOnly: true);

        /// <summary>A copy that can be changed without changing this one.</summary>
        public FactoryProperty Clone()
        {
            using OnsHandle.Lease lease = Handle.Borrow();
            ons_factory_property* copy;
            ons_error* error;
            OnsException.Check(NativeMethods.ons_factory_property_clone((ons_factory_property*)lease.Pointer, &copy, &error), error);
            return new FactoryProperty(new FactoryPropertyHandle(copy));
        }

        /// <summary>The keys that were set, with their values, as they are now.</summary>
        public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => ((IEnumerable<KeyValuePair<string, string>>)Snapshot()).GetEnumerator();

        /// <inheritdoc/>
        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        /// <summary>Frees the native settings; clients made from them go on.</summary>
        public void Dispose() => Handle.Dispose();

        private void Apply(string key, string value, bool isCheckOnly)
        {
            _ = key ?? throw new ArgumentNullException(nameof(key));
            _ = value ?? throw new ArgumentNullException(nameof(value));
            using OnsHandle.Lease lease = Handle.Borrow();
            using var keyArgument = new Utf8Argument(key, stackalloc byte[Utf8Argument.StackBytes]);
            using var valueArgument = new Utf8Argument(value, stackalloc byte[Utf8Argument.StackBytes]);
            fixed (byte* keyText = keyArgument)
            fixed (byte* valueText = valueArgument)
            {
                var property = (ons_factory_property*)lease.Pointer;
                ons_error* error;
                OnsException.Check(
                    isCheckOnly
                        ? NativeMethods.ons_factory_property_check(property, keyText, keyArgument.Length, valueText, valueArgument.Length, &error)
                        : NativeMethods.ons_factory_property_set(property, keyText, keyArgument.Length, valueText, valueArgument.Length, &error),
                    error);
            }
        }

        private KeyValuePair<string, string>[] Snapshot()
        {
            using OnsHandle.Lease lease = Handle.Borrow();
            var property = (ons_factory_property*)lease.Pointer;
            nuint count;
            ons_error* error;
            OnsException.Check(NativeMethods.ons_factory_property_count(property, &count, &error), error);
            var pairs = new KeyValuePair<string, string>[(int)count];
            for (int i = 0; i < pairs.Length; i++)
            {
                byte* key;
                nuint keyLength;
                byte* value;
                nuint valueLength;
                OnsException.Check(
                    NativeMethods.ons_factory_property_at(property, (nuint)i, &key, &keyLength, &value, &valueLength, &error), error);
                pairs[i] = new KeyValuePair<string, string>(Utf8.Decode(key, keyLength), Utf8.Decode(value, valueLength));
            }

            return pairs;
        }
    }
}
